//! Progress bars: one line per running node and one over all. Not here: lines that stay (`ledger`).

use std::collections::BTreeMap;
use std::time::Duration;

use action::graph::NodeId;
use exec::event::{Event, Kind};
use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::ledger::Ledger;
use super::words;

const NODE: &str = "  {spinner} {wide_msg} {elapsed}";
const DOWNLOAD: &str = "  {spinner} {wide_msg} {bytes}/{total_bytes} {binary_bytes_per_sec} {elapsed}";
const OVERALL: &str = "[{bar:24}] {pos}/{len} {elapsed}";

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
    pub(super) fn event(&mut self, event: &Event, ledger: &Ledger) {
        match event {
            Event::Planned { .. } => self.show_overall(ledger),
            Event::Started { node, kind, label } => {
                let bar = ProgressBar::new_spinner().with_style(style(NODE));
                let bar = self.screen.insert_before(&self.overall, bar);
                bar.set_message(format!("{} {label}", words::doing(*kind)));
                bar.enable_steady_tick(Duration::from_millis(if *kind == Kind::Fetch { 250 } else { 500 }));
                self.running.insert(*node, bar);
            }
            Event::Progress { node, bytes, total } => {
                if let Some(bar) = self.running.get(node) {
                    if let Some(total) = total
                        && bar.length() != Some(*total)
                    {
                        bar.set_style(style(DOWNLOAD));
                        bar.set_length(*total);
                    }
                    bar.set_position(*bytes);
                }
            }
            Event::Waiting { node } => {
                if let Some(bar) = self.running.get(node) {
                    bar.set_message(format!("{} (by another process)", bar.message()));
                }
            }
            Event::Finished { node, .. } => {
                if let Some(bar) = self.running.remove(node) {
                    bar.finish_and_clear();
                    self.screen.remove(&bar);
                }
                self.show_overall(ledger);
            }
        }
    }

    fn show_overall(&self, ledger: &Ledger) {
        let (finished, planned) = ledger.position();
        self.overall.set_length(planned as u64);
        self.overall.set_position(finished as u64);
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
        for template in [NODE, DOWNLOAD, OVERALL] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
