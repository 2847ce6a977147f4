//! Giving up every privilege before a recipe or program runs. Not here: which ones it began with.

use rustix::thread::{
    CapabilitySet, CapabilitySets, clear_ambient_capability_set, remove_capability_from_bounding_set, set_capabilities,
    set_no_new_privs,
};

use crate::failure::{Doing, Outcome};

/// Drops all capabilities from all sets, for good: nothing executed later can gain one.
pub(crate) fn drop_all() -> Outcome<()> {
    for number in 0..CapabilitySet::all().bits().count_ones() {
        let capability = CapabilitySet::from_bits_retain(1 << number);
        match remove_capability_from_bounding_set(capability) {
            Ok(()) => {}
            // The first number the kernel does not know: all are done. Or no right to drop any, as in a plain chroot without
            // CAP_SETPCAP: then no-new-privileges alone must do, and does.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::PERM) => break,
            Err(error) => return Err(error).doing("drop the capabilities of", "this process"),
        }
    }
    // Unknown before Linux 4.3, where there is no ambient set to clear.
    let _ = clear_ambient_capability_set();
    let none = CapabilitySet::empty();
    set_capabilities(None, CapabilitySets { effective: none, permitted: none, inheritable: none })
        .doing("drop the capabilities of", "this process")?;
    set_no_new_privs(true).doing("forbid new privileges to", "this process")
}
