//! Formulas over anything, and constraints on versions. Not here: filters, which are evaluated away before
//! ([`crate::dependency`]), and finding what satisfies a formula.

use crate::syntax::RelOp;
use crate::version::Version;

/// Atoms joined by "and" and "or".
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Formula<A> {
    /// Holds always.
    True,
    /// Holds never.
    False,
    /// An atom.
    Atom(A),
    /// All of them; from [`Formula::and`] at least two, and none of them an `And`.
    And(Vec<Self>),
    /// One of them, the earlier the better; from [`Formula::or`] at least two, and none of them an `Or`.
    Or(Vec<Self>),
}

impl<A> Formula<A> {
    /// The conjunction, in its simplest form: constants are gone, and nested conjunctions flat.
    #[must_use]
    pub fn and(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::True => {}
                Self::False => return Self::False,
                Self::And(parts) => flat.extend(parts),
                part @ (Self::Atom(_) | Self::Or(_)) => flat.push(part),
            }
        }
        Self::single(flat, Self::And, Self::True)
    }

    /// The disjunction, in its simplest form: constants are gone, and nested disjunctions flat.
    #[must_use]
    pub fn or(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut flat = Vec::new();
        for part in parts {
            match part {
                Self::False => {}
                Self::True => return Self::True,
                Self::Or(parts) => flat.extend(parts),
                part @ (Self::Atom(_) | Self::And(_)) => flat.push(part),
            }
        }
        Self::single(flat, Self::Or, Self::False)
    }

    fn single(mut parts: Vec<Self>, many: fn(Vec<Self>) -> Self, none: Self) -> Self {
        if parts.len() > 1 { many(parts) } else { parts.pop().unwrap_or(none) }
    }

    /// Its atoms, from left to right.
    #[must_use]
    pub fn atoms(&self) -> Vec<&A> {
        fn collect<'a, A>(formula: &'a Formula<A>, found: &mut Vec<&'a A>) {
            match formula {
                Formula::True | Formula::False => {}
                Formula::Atom(atom) => found.push(atom),
                Formula::And(parts) | Formula::Or(parts) => parts.iter().for_each(|part| collect(part, found)),
            }
        }
        let mut found = Vec::new();
        collect(self, &mut found);
        found
    }

    /// The formula with each atom replaced by what `of` says, simplified.
    #[must_use]
    pub fn substitute<B>(&self, of: &mut dyn FnMut(&A) -> Formula<B>) -> Formula<B> {
        match self {
            Self::True => Formula::True,
            Self::False => Formula::False,
            Self::Atom(atom) => of(atom),
            Self::And(parts) => Formula::and(parts.iter().map(|part| part.substitute(of)).collect::<Vec<_>>()),
            Self::Or(parts) => Formula::or(parts.iter().map(|part| part.substitute(of)).collect::<Vec<_>>()),
        }
    }

    /// Like [`Formula::substitute`], but an atom without a replacement is *removed*: neither `a & (removed)` nor `a | (removed)` is
    /// more or less than `a`. Nothing is left if every atom is removed.
    #[must_use]
    pub fn filter_map<B>(&self, of: &mut dyn FnMut(&A) -> Option<Formula<B>>) -> Option<Formula<B>> {
        match self {
            Self::True => Some(Formula::True),
            Self::False => Some(Formula::False),
            Self::Atom(atom) => of(atom),
            Self::And(parts) | Self::Or(parts) => {
                let kept: Vec<_> = parts.iter().filter_map(|part| part.filter_map(of)).collect();
                let join = if matches!(self, Self::And(_)) { Formula::and } else { Formula::or };
                (!kept.is_empty()).then(|| join(kept))
            }
        }
    }

    /// Whether it holds when an atom does as `holds` says.
    #[must_use]
    pub fn satisfied(&self, holds: &dyn Fn(&A) -> bool) -> bool {
        match self {
            Self::True => true,
            Self::False => false,
            Self::Atom(atom) => holds(atom),
            Self::And(parts) => parts.iter().all(|part| part.satisfied(holds)),
            Self::Or(parts) => parts.iter().any(|part| part.satisfied(holds)),
        }
    }
}

/// One comparison with a version.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct VersionBound {
    /// How.
    pub operator: RelOp,
    /// With what.
    pub version: Version,
}

/// Which versions are acceptable.
pub type VersionConstraint = Formula<VersionBound>;

impl VersionConstraint {
    /// Whether `version` is acceptable, by opam's order ([`Version::order`]).
    #[must_use]
    pub fn admits(&self, version: &Version) -> bool {
        self.satisfied(&|bound| bound.operator.admits(version.order(&bound.version)))
    }
}
