//! A program in the foreground: signals are its own, and this process outlives them to tell how it ended.
//!
//! What a terminal sends (Ctrl-C) reaches the program by itself, being sent to all processes of the terminal's foreground; what is
//! sent to this process alone is passed on. Not here: programs that run for somebody else, which end with whoever asked for them.

use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, ExitStatus};
use std::sync::Arc;

use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use tokio::signal::unix::{SignalKind, signal};

/// Runs `command` to its end, however often this process is asked to stop.
pub(super) fn attend(command: &mut Command) -> io::Result<ExitStatus> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    runtime.block_on(async {
        let passed_on = [
            (SignalKind::interrupt(), None),
            (SignalKind::quit(), None),
            (SignalKind::terminate(), Some(Signal::TERM)),
            (SignalKind::hangup(), Some(Signal::HUP)),
        ];
        // Handlers, not ignored signals: those a program would inherit. Before it starts, so that none is missed.
        let passed_on = passed_on.into_iter().map(|(kind, on)| Ok((signal(kind)?, on)));
        let passed_on = passed_on.collect::<io::Result<Vec<_>>>()?;
        let mut child = command.spawn()?;
        // By this another process of its number is never meant. Before Linux 5.3 there is none, and nothing is passed on.
        let process: Option<Arc<OwnedFd>> = pidfd_open(Pid::from_child(&child), PidfdFlags::empty()).ok().map(Arc::new);
        for (mut heard, on) in passed_on {
            let process = process.clone();
            tokio::spawn(async move {
                while heard.recv().await.is_some() {
                    if let (Some(process), Some(signal)) = (&process, on) {
                        // One that has ended meanwhile needs no signal.
                        let _ = pidfd_send_signal(process, signal);
                    }
                }
            });
        }
        tokio::task::spawn_blocking(move || child.wait()).await?
    })
}
