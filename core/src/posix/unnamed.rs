//! Objects whose names nobody needs to know: they stand in the registry for as long as they have their name.

use nix::errno::Errno;

use super::Name;
use crate::error::Result;
use crate::registry::{Object, Registry};

/// Makes one with `open` under a name that nobody can guess. It is entered in the registry, as being of this `kind`, until
/// it is forgotten.
pub(crate) fn create<T>(kind: &'static str, open: impl Fn(&Name) -> Result<T>) -> Result<(T, Name)> {
    loop {
        let name = Name::random()?;
        Registry::of_process().record(Object::new(kind, name.to_string()))?;
        let opened = open(&name);
        if opened.is_err() {
            forget(kind, &name);
        }
        match opened {
            Err(error) if error.errno() == Some(Errno::EEXIST) => {}
            opened => return Ok((opened?, name)),
        }
    }
}

/// Strikes it out, once it has gone. One that is listed all the same does no harm, so that this has failed is nobody's
/// concern.
pub(crate) fn forget(kind: &str, name: &Name) {
    drop(Registry::of_process().forget(kind, name.to_string().as_ref()));
}
