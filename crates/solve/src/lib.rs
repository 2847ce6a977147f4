//! Which version of which package, in which role: a manifest, a universe and worlds in, a lock out, or an explanation.
//!
//! One choice of versions serves the build machine and all targets; what is needed where follows from it ([`solution`]).
//! Whether and why there is no choice is data too ([`explain`]). This crate does no IO, words nothing for people, and
//! knows neither actions nor the table of targets: a target is a name and the values of its variables.
//!
//! Read [`request`], [`solution`] and [`lock`] first.

#![forbid(unsafe_code)]

pub mod constraint;
mod decode;
pub mod explain;
pub mod lock;
mod order;
mod pool;
mod problem;
mod reduce;
pub mod request;
mod roles;
mod sat;
pub mod solution;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod tools;

use opam::universe::Universe;

use crate::explain::Explanation;
use crate::request::Request;
use crate::solution::{Cycle, Solution};
use crate::tools::Tools;

/// Why there is no lock.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Failure {
    /// What is asked for contradicts itself.
    #[error("no choice of versions is possible")]
    NoSolution(Box<Explanation>),
    /// Packages wait for each other.
    #[error(transparent)]
    Cycle(#[from] Cycle),
}

/// One version of each package that the request needs, in the roles it is needed in.
///
/// # Errors
/// If there is no choice of versions, or packages depend on each other in a circle.
pub fn solve(universe: &Universe, tools: &Tools, request: &Request) -> Result<Solution, Failure> {
    let pool = pool::Pool::new(universe, tools, request);
    let chosen = match sat::solve(&pool) {
        Ok(chosen) => chosen,
        Err(names) => return Err(Failure::NoSolution(Box::new(explain::explain(&pool, names)))),
    };
    let needed = roles::needed(&pool, &chosen);
    let solution = decode::solution(&pool, request, tools, &chosen, &needed);
    solution.order()?;
    Ok(solution)
}
