//! Variables and references to them. Not here: their values, which are a [`crate::filter::Scope`]'s.
//!
//! A reference is `name`, `pkg:name`, `_:name` (the package itself) or `a+b:name` (the conjunction over the packages), and may
//! choose between two texts: `name?yes:no`.

use std::fmt;

use crate::name::PackageName;

/// Whose variable it is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Owner {
    /// `os`: nobody's.
    Global,
    /// `_:lib`: the package's in whose file it is.
    Own,
    /// `pkg:lib`: that package's.
    Package(PackageName),
}

/// A variable.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Variable {
    /// Whose it is.
    pub owner: Owner,
    /// Its name.
    pub name: String,
}

/// A use of one or several variables.
///
/// `pkg:enable` is read as what it means: `pkg:installed?enable:disable`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Reference {
    variables: Vec<Variable>,
    choice: Option<(String, String)>,
    written: String,
}

impl Variable {
    /// The global variable `name`.
    #[must_use]
    pub fn global(name: &str) -> Self {
        Self { owner: Owner::Global, name: name.to_owned() }
    }

    /// The variable `name` of the package itself.
    #[must_use]
    pub fn own(name: &str) -> Self {
        Self { owner: Owner::Own, name: name.to_owned() }
    }

    /// The variable `name` of `package`.
    #[must_use]
    pub fn of(package: PackageName, name: &str) -> Self {
        Self { owner: Owner::Package(package), name: name.to_owned() }
    }
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.owner {
            Owner::Global => write!(f, "{}", self.name),
            Owner::Own => write!(f, "_:{}", self.name),
            Owner::Package(package) => write!(f, "{package}:{}", self.name),
        }
    }
}

fn owner(text: &str) -> Option<Owner> {
    if text == "_" { Some(Owner::Own) } else { PackageName::new(text).ok().map(Owner::Package) }
}

/// The packages of `a+b`. A name may have `+` in it, but then no reference outside a string can say so.
fn owners(text: &str) -> Option<Vec<Owner>> {
    text.split('+').filter(|part| !part.is_empty()).map(owner).collect()
}

impl Reference {
    /// The reference that an identifier is.
    #[must_use]
    pub fn from_ident(text: &str) -> Option<Self> {
        Self::parse(text, false)
    }

    /// The reference inside `%{…}%`, where a package with `+` in its name can be written `?conf-g++:installed:`.
    #[must_use]
    pub fn from_interpolation(text: &str) -> Option<Self> {
        Self::parse(text, true)
    }

    /// Nothing if a package's name in it cannot be one.
    fn parse(text: &str, interpolation: bool) -> Option<Self> {
        let global = |name: &str| (vec![Owner::Global], name.to_owned(), None);
        let (owners, name, choice) = match text.rsplit_once(':') {
            None => global(text),
            Some((before, last)) => match before.rsplit_once('?') {
                None => (owners(before)?, last.to_owned(), None),
                Some(("", then)) if interpolation => match then.rsplit_once(':') {
                    None => global(last),
                    Some((package, name)) => (vec![owner(package)?], name.to_owned(), None),
                },
                Some((variable, then)) => {
                    let choice = Some((then.to_owned(), last.to_owned()));
                    match variable.rsplit_once(':') {
                        None => (vec![Owner::Global], variable.to_owned(), choice),
                        Some((packages, name)) => (owners(packages)?, name.to_owned(), choice),
                    }
                }
            },
        };
        if owners.is_empty() {
            return None;
        }
        let enable = name == "enable" && choice.is_none() && owners != [Owner::Global];
        let (name, choice) = if enable {
            ("installed".to_owned(), Some(("enable".to_owned(), "disable".to_owned())))
        } else {
            (name, choice)
        };
        let variables = owners.into_iter().map(|owner| Variable { owner, name: name.clone() }).collect();
        Some(Self { variables, choice, written: text.to_owned() })
    }

    /// The variables it is about: one, or several whose conjunction it is.
    #[must_use]
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// The texts for true and for all else, if it chooses.
    #[must_use]
    pub fn choice(&self) -> Option<(&str, &str)> {
        self.choice.as_ref().map(|(yes, no)| (yes.as_str(), no.as_str()))
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}
