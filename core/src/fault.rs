//! Named points at which a test may make this process panic, or be killed, so that what happens then is proven and not
//! believed. Without the feature `fault-inject` each point is nothing at all.

/// Panics here if a test has armed the point `name`, or ends this process by SIGKILL.
#[cfg(feature = "fault-inject")]
#[expect(clippy::panic, reason = "to panic is what it is for")]
pub fn point(name: &str) {
    let armed = armed().lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    match armed.as_deref() {
        Some(armed) if armed == name => panic!("fault injected at {name}"),
        Some(armed) if armed.strip_prefix("kill ") == Some(name) => {
            let _killed = nix::sys::signal::kill(nix::unistd::Pid::this(), nix::sys::signal::Signal::SIGKILL);
        }
        _ => {}
    }
}

/// Arms the point `name`, or none; `kill ` before it for a kill.
#[cfg(feature = "fault-inject")]
pub fn arm(name: Option<String>) {
    *armed().lock().unwrap_or_else(std::sync::PoisonError::into_inner) = name;
}

#[cfg(feature = "fault-inject")]
fn armed() -> &'static std::sync::Mutex<Option<String>> {
    static ARMED: std::sync::Mutex<Option<String>> = std::sync::Mutex::new(None);
    &ARMED
}

/// Panics here if a test has armed the point `name`.
#[cfg(not(feature = "fault-inject"))]
#[inline(always)]
pub fn point(_name: &str) {}
