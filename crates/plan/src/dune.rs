//! dune, built once for the host out of its own archive and nothing else.
//!
//! The program that dune's bootstrap makes is the whole of dune; its second stage would only make it again.

use std::collections::BTreeMap;

use action::graph::{Fetch, Node, NodeId, Unpack};
use action::pattern::Pattern;
use action::source::Source;
use builder::Step;

use crate::layout;
use crate::ocaml::Release;
use crate::planner::{Job, PlanError, Planner, input};
use crate::sources;

impl Planner {
    /// dune, laid out for [`layout::HOST`].
    pub(crate) fn dune(&mut self, release: Release) -> Result<NodeId, PlanError> {
        self.dune_from(release, sources::dune(release))
    }

    /// The host's dune that `source` is the archive of, if it is one that this recipe is for: the same action then serves
    /// a lock that names it and a project without one.
    pub(crate) fn known_dune(&mut self, release: Release, source: &Source) -> Result<Option<NodeId>, PlanError> {
        let known =
            sources::dune(release).into_iter().find(|known| known.checksums.identity() == source.checksums.identity());
        known.map(|known| self.dune_from(release, vec![known])).transpose()
    }

    fn dune_from(&mut self, release: Release, alternatives: Vec<Source>) -> Result<NodeId, PlanError> {
        let which: Vec<_> = alternatives.iter().map(Source::hex).collect();
        let which = format!("{} for {release}", which.join(" or "));
        let archive = self.once(format!("dune archive {which}"), |_| {
            Ok(Node::Fetch(Fetch { label: "dune sources".to_owned(), alternatives }))
        })?;
        let sources = self.once(format!("dune sources {which}"), |_| {
            let leave_out =
                ["test", "doc", "bench", ".github"].map(Pattern::new).into_iter().collect::<Result<_, _>>()?;
            Ok(Node::Unpack(Unpack { archive, strip: 1, keep: Vec::new(), leave_out, executable: Vec::new() }))
        })?;
        let mut inputs = self.host_compilers(release)?;
        inputs.push(input(layout::SRC, sources)?);
        self.once(format!("dune {which}"), |planner| {
            let bootstrap = "ocaml boot/bootstrap.ml -j $BACTRIAN_JOBS";
            let run = Step::Run {
                argv: vec!["sh".into(), "-c".into(), bootstrap.into()],
                cwd: "/tmp/dune".into(),
                env: BTreeMap::from([("PATH".into(), format!("/{}/bin:/usr/bin:/bin", layout::OCAML).into())]),
            };
            planner.run(Job {
                label: format!("dune with OCaml {release}"),
                inputs,
                files: Vec::new(),
                steps: vec![
                    Step::Copy { from: format!("/{}", layout::SRC).into(), to: "/tmp/dune".into() },
                    run,
                    Step::Copy { from: "/tmp/dune/_boot/dune.exe".into(), to: "/out/bin/dune".into() },
                ],
                environment: Vec::new(),
                target: None,
            })
        })
    }
}
