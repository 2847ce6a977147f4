//! Handing the terminal to an interactive shell. Not here: pseudo-terminals, window sizes; the terminal stays the user's own.
//!
//! A shell gives the terminal back to the process group that had it before. In a pid namespace that group has no number, so the shell must
//! be started in a group of its own, one that exists where it lives.

use rustix::process::{getpgrp, getpid, setpgid};
use rustix::termios::{tcgetpgrp, tcsetpgrp};

use crate::sys;

/// The terminal of standard input.
pub(crate) struct Terminal;

impl Terminal {
    /// Whether standard input is a terminal whose foreground is our process group: only then it is ours to give.
    pub(crate) fn is_ours() -> bool {
        tcgetpgrp(rustix::stdio::stdin()).is_ok_and(|group| group == getpgrp())
    }

    /// Makes the process group of this process the foreground.
    pub(crate) fn take() {
        // A background process is stopped for asking, unless it blocks the signal for that.
        let _blocked = sys::Blocked::new(&[sys::SIGTTOU]);
        // The terminal may be gone.
        let _ = tcsetpgrp(rustix::stdio::stdin(), getpgrp());
    }

    /// Puts this process into a group of its own and makes that the foreground.
    pub(crate) fn take_as_group() {
        if setpgid(None, Some(getpid())).is_ok() {
            Self::take();
        }
    }
}
