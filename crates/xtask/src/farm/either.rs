//! Either engine that there is, for what both are asked: buildbox-casd, one program in C++, and BuildGrid with its workers, in Python.
//!
//! Not here: what only one of them can show (`chaos`, `hybrid`).

use std::fmt;
use std::path::Path;

use testkit::casd::Casd;

use super::corpus::WORKERS;
use super::grid::Grid;

/// How many times fewer small actions BuildGrid is given: it needs 0.35 to 1 s for one.
const FEWER: usize = 10;

/// Which engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Casd,
    BuildGrid,
}

/// An engine that answers until it is dropped.
#[derive(Debug)]
pub(super) enum Either {
    Casd(Casd),
    BuildGrid(Box<Grid>),
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Casd, Self::BuildGrid];

    /// Starts one, which keeps what it has below `place` or in a directory of its own.
    pub(super) fn start(self, place: &Path) -> Result<Either, String> {
        match self {
            Self::Casd => {
                let casd = Casd::start(&place.join("casd"))?;
                casd.map(Either::Casd).ok_or_else(|| "there is no ../shared/tools/reapi".to_owned())
            }
            Self::BuildGrid => Ok(Either::BuildGrid(Box::new(Grid::start(WORKERS, &[])?))),
        }
    }

    /// How many small actions it is given where `actions` are asked for.
    pub(super) const fn actions(self, actions: usize) -> usize {
        match self {
            Self::Casd => actions,
            Self::BuildGrid => actions.div_ceil(FEWER),
        }
    }
}

impl Either {
    /// Where it answers, as `--remote` takes it.
    pub(super) fn address(&self) -> String {
        match self {
            Self::Casd(casd) => casd.address(),
            Self::BuildGrid(grid) => grid.address(),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Casd => "casd",
            Self::BuildGrid => "BuildGrid",
        })
    }
}
