//! Links the addon: napi's own set-up, and `nodelete`, because threads and a signal handler of ours may run after
//! the environment that loaded the addon has gone (Node calls dlclose when a worker ends).

fn main() {
    napi_build::setup();
    println!("cargo::rustc-cdylib-link-arg=-Wl,-z,nodelete");
}
