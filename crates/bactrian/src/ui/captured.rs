//! A printer for tests, that keeps what it printed.

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use indicatif::MultiProgress;

use super::{Look, Ui};
use crate::surroundings::Surroundings;

/// What was printed on one stream.
#[derive(Debug, Clone, Default)]
pub(crate) struct Captured(Arc<Mutex<Vec<u8>>>);

impl Captured {
    /// All of it so far.
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Captured {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A printer, and what it prints on standard output and standard error.
pub(crate) fn ui(look: Look) -> (Ui, Captured, Captured) {
    let (out, err) = (Captured::default(), Captured::default());
    let ui = Ui::new(look, &Surroundings::for_test([]), [Box::new(out.clone()), Box::new(err.clone())], None);
    (ui, out, err)
}

/// A printer with these two streams and bars.
pub(crate) fn ui_on(
    look: Look,
    around: &Surroundings,
    streams: [Box<dyn Write + Send>; 2],
    bars: Option<MultiProgress>,
) -> Ui {
    Ui::new(look, around, streams, bars)
}
