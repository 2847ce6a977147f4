//! Progress bars: one line per running node and one over all. Not here: lines that stay, and words (`ledger`).

use std::collections::BTreeMap;
use std::time::Duration;

use action::graph::NodeId;
use exec::event::Event;
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::ledger::Ledger;

const NODE: &str = "  {spinner} {wide_msg} {prefix}";
const OVERALL: &str = "[{bar:24}] {pos}/{len}";

/// The bars of a run; they are taken off the terminal when this is dropped.
pub(super) struct Bars {
    screen: MultiProgress,
    overall: ProgressBar,
    running: BTreeMap<NodeId, ProgressBar>,
}

impl Bars {
    pub(super) fn new(screen: &MultiProgress) -> Self {
        let overall = screen.add(ProgressBar::no_length().with_style(style(OVERALL).progress_chars("=> ")));
        Self { screen: screen.clone(), overall, running: BTreeMap::new() }
    }

    /// Shows an event, of which the ledger knows already.
    pub(super) fn event(&mut self, event: &Event, ledger: &Ledger, now: Duration) {
        match event {
            Event::Planned { .. } | Event::RemoteOff { .. } => {}
            Event::Started { node, .. } => {
                let bar = ProgressBar::new_spinner().with_style(style(NODE));
                self.running.insert(*node, self.screen.insert_before(&self.overall, bar));
                self.show(*node, ledger, now);
            }
            Event::Progress { node, .. }
            | Event::Remote { node, .. }
            | Event::Ran { node, .. }
            | Event::Waiting { node } => {
                self.show(*node, ledger, now);
            }
            Event::Finished { node, .. } => {
                if let Some(bar) = self.running.remove(node) {
                    bar.finish_and_clear();
                    self.screen.remove(&bar);
                }
            }
        }
        let (finished, planned) = ledger.position();
        self.overall.set_length(planned as u64);
        self.overall.set_position(finished as u64);
    }

    /// Time has passed.
    pub(super) fn tick(&self, ledger: &Ledger, now: Duration) {
        for (node, bar) in &self.running {
            self.show(*node, ledger, now);
            bar.tick();
        }
        self.overall.tick();
    }

    fn show(&self, node: NodeId, ledger: &Ledger, now: Duration) {
        if let (Some(bar), Some((what, how_far))) = (self.running.get(&node), ledger.running(node, now)) {
            bar.set_message(what);
            bar.set_prefix(how_far);
        }
    }
}

impl Drop for Bars {
    fn drop(&mut self) {
        for bar in self.running.values().chain([&self.overall]) {
            bar.finish_and_clear();
        }
    }
}

/// The templates are ours and tested; one that does not parse would look plain.
fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_parse() {
        for template in [NODE, OVERALL] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
