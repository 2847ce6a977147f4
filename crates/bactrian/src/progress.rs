//! What happens while a graph runs, told in one of three ways: to a terminal, to a log, to a machine.
//!
//! [`watch`] lends a [`Sink`] to whoever runs the graph. Lines and their words are made in [`ledger`], which is pure;
//! a terminal has bars besides ([`terminal`]), a log a line now and then about what takes long.

mod ledger;
mod terminal;
mod words;

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use exec::event::{Event, Sink};

use crate::messages::Message;
use crate::ui::Ui;
use ledger::{Ledger, Line};
use terminal::Bars;

/// How often bars move, and how often it is looked whether something takes long.
const TICK: Duration = Duration::from_millis(250);

/// Runs `work`, which tells what it does, and tells the user.
pub(crate) fn watch<R>(ui: &Ui, work: impl FnOnce(&dyn Sink) -> R) -> R {
    let begun = Instant::now();
    let clock = move || begun.elapsed();
    let reporter = Reporter::new(ui, &clock);
    let result = std::thread::scope(|scope| {
        // Dropping the sender, also when `work` panics, ends the ticking.
        let (_working, done) = channel::<()>();
        let reporter = &reporter;
        scope.spawn(move || {
            while done.recv_timeout(TICK) == Err(RecvTimeoutError::Timeout) {
                reporter.tick();
            }
        });
        work(reporter)
    });
    reporter.finish();
    result
}

/// Says that the remote cache is done without, and why.
pub(crate) fn tell_remote_off(ui: &Ui, why: &str) {
    if ui.is_json() {
        ui.message(&Message::RemoteOff { why });
    } else {
        ui.warning(format_args!("the remote cache is not used any more: {why}"));
    }
}

/// Takes events, gives lines and bars.
struct Reporter<'a> {
    ui: &'a Ui,
    clock: &'a (dyn Fn() -> Duration + Sync),
    state: Mutex<State>,
}

struct State {
    ledger: Ledger,
    bars: Option<Bars>,
}

impl<'a> Reporter<'a> {
    fn new(ui: &'a Ui, clock: &'a (dyn Fn() -> Duration + Sync)) -> Self {
        let state = State { ledger: Ledger::default(), bars: ui.bars().map(Bars::new) };
        Self { ui, clock, state: Mutex::new(state) }
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> T) -> T {
        work(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn tick(&self) {
        let now = (self.clock)();
        let lines = self.with(|state| match &state.bars {
            // Everyone sees what takes long.
            Some(bars) => {
                bars.tick(&state.ledger, now);
                Vec::new()
            }
            None => state.ledger.tick(now),
        });
        lines.iter().for_each(|line| self.tell(line));
    }

    fn finish(&self) {
        let summary = self.with(|state| {
            state.bars = None;
            state.ledger.summary()
        });
        if let Some(line) = summary {
            self.ui.note(line);
        }
    }

    fn tell(&self, line: &Line) {
        let text = line.render(self.ui);
        if line.is_detail() { self.ui.detail(text) } else { self.ui.note(text) }
    }
}

impl Sink for Reporter<'_> {
    fn event(&self, event: Event) {
        if self.ui.is_json() {
            self.ui.message(&words::message(&event));
            return;
        }
        if let Event::RemoteOff { why } = &event {
            tell_remote_off(self.ui, why);
        }
        let now = (self.clock)();
        let line = self.with(|state| {
            let line = state.ledger.event(&event, now);
            if let Some(bars) = &mut state.bars {
                bars.event(&event, &state.ledger, now);
            }
            line
        });
        if let Some(line) = line {
            self.tell(&line);
        }
    }
}

#[cfg(test)]
mod tests;
