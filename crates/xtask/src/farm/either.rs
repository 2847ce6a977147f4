//! Either engine that there is, for what both are asked: buildbox-casd, one program in C++, and BuildGrid with its workers, in Python.
//!
//! Not here: what only one of them can show (`hybrid`, `kinds`).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use super::casd::Casd;
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
    /// And where clients find it.
    BuildGrid(Box<Grid>, IpAddr),
}

impl Kind {
    pub(super) const ALL: [Self; 2] = [Self::Casd, Self::BuildGrid];

    /// Starts one for clients of this machine.
    pub(super) fn start(self) -> Result<Either, String> {
        self.start_at(Ipv4Addr::LOCALHOST.into())
    }

    /// Starts one for clients that find it at one of this machine's addresses.
    pub(super) fn start_at(self, at: IpAddr) -> Result<Either, String> {
        match self {
            Self::Casd => Casd::start(at).map(Either::Casd),
            Self::BuildGrid => {
                // It answers at this machine's own address anyway: its workers are there.
                let others: &[IpAddr] = if at.is_loopback() { &[] } else { &[at] };
                Ok(Either::BuildGrid(Box::new(Grid::start(WORKERS, others)?), at))
            }
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
            Self::BuildGrid(grid, at) => grid.address_at(*at),
        }
    }

    /// Sees to it that all its parts are there, but for those that were killed.
    pub(super) fn supervise(&mut self) -> Result<(), String> {
        match self {
            Self::Casd(casd) => casd.supervise(),
            Self::BuildGrid(grid, _) => grid.supervise(),
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
