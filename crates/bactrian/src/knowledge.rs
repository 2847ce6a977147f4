//! What is known of packages beyond their opam files: the tables of the program, and those that the user adds.
//!
//! Not here: the tables' forms (`plan::quirk`, `solve::tools`).

use std::fs;

use plan::quirk::Quirks;
use solve::tools::Tools;

use crate::error::CommandError;
use crate::manifest;
use crate::settings::Means;

/// What is known of packages.
#[derive(Debug, Clone)]
pub(crate) struct Knowledge {
    /// How they are built.
    pub(crate) quirks: Quirks,
    /// In which roles they are needed.
    pub(crate) tools: Tools,
}

impl Knowledge {
    /// What the program knows, and what the files say that `means` names.
    pub(crate) fn load(means: &Means) -> Result<Self, CommandError> {
        let mut quirks =
            Quirks::embedded().map_err(|error| CommandError::bug("the table of quirks is wrong").caused_by(&error))?;
        for path in &means.quirks {
            let text = fs::read(path).map_err(|error| {
                CommandError::usage(format_args!("cannot read the quirks in {}", path.display())).cause(error)
            })?;
            quirks.add(&text).map_err(|error| {
                CommandError::usage(format_args!("{} is no table of quirks", path.display()))
                    .cause(manifest::place(path, &text, &error))
            })?;
        }
        let tools = Tools { extra_host: quirks.needs(), ..Tools::default() };
        let mut all = Tools::standard();
        all.extend(tools);
        Ok(Self { quirks, tools: all })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str) -> Result<Knowledge, CommandError> {
        let temp = tempfile::tempdir().unwrap();
        let file = temp.path().join("quirks.opam");
        fs::write(&file, text).unwrap();
        let means = Means { quirks: vec![file], ..Means::for_test(temp.path().join("store")) };
        Knowledge::load(&means)
    }

    #[test]
    fn a_user_adds_to_what_is_known() {
        let known = load("quirk { package: \"x\" why: \"w\" host: \"gen\" }").unwrap();
        let (name, version) = (opam::name::PackageName::new("x").unwrap(), opam::version::Version::new("1").unwrap());
        let needs: Vec<_> = known.tools.extra_host(&name, &version).map(ToString::to_string).collect();
        assert_eq!(needs, ["gen"]);
        assert!(known.quirks.iter().any(|quirk| quirk.package == name));
        assert!(known.quirks.iter().count() > 1, "the program's own are still there");
    }

    #[test]
    fn a_mistake_is_shown_where_it_is() {
        let error = load("quirk {\n  package: \"x\"\n  builds: []\n}").unwrap_err();
        assert_eq!(error.exit().code(), 2);
        assert!(error.message.ends_with("quirks.opam is no table of quirks"), "{}", error.message);
        assert!(
            error.causes[0].contains("quirks.opam:3:3: `builds` is not known here\n3 |   builds: []"),
            "{}",
            error.causes[0]
        );
    }
}
