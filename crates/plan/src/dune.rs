//! dune, built once for the host out of its own archive and nothing else.
//!
//! The program that dune's bootstrap makes is the whole of dune; its second stage would only make it again.

use std::collections::BTreeMap;

use action::graph::{Fetch, Node, NodeId, Unpack};
use action::pattern::Pattern;
use builder::Step;

use crate::layout;
use crate::ocaml::Release;
use crate::planner::{Job, PlanError, Planner, input};
use crate::sources;

impl Planner {
    /// dune, laid out for [`layout::HOST`].
    pub(crate) fn dune(&mut self, release: Release) -> Result<NodeId, PlanError> {
        let archive = self.once(format!("dune archive for {release}"), |_| {
            Ok(Node::Fetch(Fetch { label: "dune sources".to_owned(), alternatives: sources::dune(release) }))
        })?;
        let sources = self.once(format!("dune sources for {release}"), |_| {
            let leave_out =
                ["test", "doc", "bench", ".github"].map(Pattern::new).into_iter().collect::<Result<_, _>>()?;
            Ok(Node::Unpack(Unpack { archive, strip: 1, keep: Vec::new(), leave_out, executable: Vec::new() }))
        })?;
        let mut inputs = self.host_compilers(release)?;
        inputs.push(input(layout::SRC, sources)?);
        self.once(format!("dune with {release}"), |planner| {
            let bootstrap = "ocaml boot/bootstrap.ml -j $BACTRIAN_JOBS";
            let run = Step::Run {
                argv: vec!["sh".into(), "-c".into(), bootstrap.into()],
                cwd: "/tmp/dune".into(),
                env: BTreeMap::from([("PATH".into(), format!("/{}/bin:/usr/bin:/bin", layout::OCAML).into())]),
            };
            planner.run(Job {
                label: format!("dune with OCaml {release}"),
                inputs,
                files: &[],
                steps: vec![
                    Step::Copy { from: format!("/{}", layout::SRC).into(), to: "/tmp/dune".into() },
                    run,
                    Step::Copy { from: "/tmp/dune/_boot/dune.exe".into(), to: "/out/bin/dune".into() },
                ],
                environment: Vec::new(),
            })
        })
    }
}
