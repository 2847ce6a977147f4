//! Cases: the ways through a test's block that compile to native code and run, as commands.
//!
//! Every leaf of the block is one case or one reason why there is none: it is about something else (bytecode, the
//! toplevel), it is not for this target as it says itself, or it says something that is not known here. Nothing that is
//! not known is taken for passed. Not here: syntax ([`super::tsl`]), compiling and running.

use std::collections::BTreeMap;

use plan::target::{Abi, Cpu, Endian, Os, Target};

use super::tsl::{Block, Statement};

/// What came of a leaf.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Leaf {
    Case(Case),
    /// It has the compilers do something else than native programs.
    Other(&'static str),
    /// It says itself that it is not for this target; the condition.
    NotFor(String),
    /// It cannot be done here; why.
    NotKnown(String),
}

/// What is done, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Case {
    pub(super) steps: Vec<Step>,
    /// Files and directories beside the test that it wants beside it.
    pub(super) files: Vec<String>,
    pub(super) directories: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    /// A line for a shell in the target's root; `$OCAMLOPT` is the compiler, `$LIB` the test suite's own library.
    Compile { line: String, exit: i32, program: String },
    /// A program of the case's directory.
    Run(Run),
}

/// How a program is run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Run {
    pub(super) program: String,
    pub(super) arguments: Vec<String>,
    pub(super) stdin: Option<String>,
    pub(super) environment: BTreeMap<String, Option<String>>,
    pub(super) exit: i32,
    /// The file with what it is to print, if that is compared.
    pub(super) reference: Option<String>,
}

/// Where a test is.
pub(super) struct Source<'a> {
    /// Its file's name.
    pub(super) file: &'a str,
    /// Whether there is a file of this name beside it.
    pub(super) has: &'a dyn Fn(&str) -> bool,
    pub(super) target: Target,
}

/// All leaves of a test's block, in their order.
pub(super) fn leaves(block: &Block, source: &Source<'_>) -> Vec<Leaf> {
    let mut leaves = Vec::new();
    let state = State { source, variables: BTreeMap::new(), exported: BTreeMap::new(), case: Case::default() };
    let native = [Statement::Test("native".to_owned(), Vec::new())];
    // A test that says nothing is run by all default tests: bytecode and native.
    if says_no_test(block) {
        let with_default = Block { statements: [block.statements.as_slice(), &native].concat(), blocks: Vec::new() };
        state.walk(&with_default, &mut leaves);
    } else {
        state.walk(block, &mut leaves);
    }
    leaves
}

fn says_no_test(block: &Block) -> bool {
    block.blocks.iter().all(says_no_test)
        && !block.statements.iter().any(|statement| matches!(statement, Statement::Test(..)))
}

#[derive(Clone)]
struct State<'a> {
    source: &'a Source<'a>,
    variables: BTreeMap<String, String>,
    exported: BTreeMap<String, Option<String>>,
    case: Case,
}

impl State<'_> {
    fn walk(mut self, block: &Block, leaves: &mut Vec<Leaf>) {
        for statement in &block.statements {
            if let Err(leaf) = self.do_statement(statement) {
                leaves.push(leaf);
                return;
            }
        }
        for inner in &block.blocks {
            self.clone().walk(inner, leaves);
        }
        if block.blocks.is_empty() {
            self.case.files = self.words("readonly_files");
            self.case.directories = self.words("subdirectories");
            let leaf = if self.case.steps.is_empty() { Leaf::Other("nothing native") } else { Leaf::Case(self.case) };
            leaves.push(leaf);
        }
    }

    fn do_statement(&mut self, statement: &Statement) -> Result<(), Leaf> {
        match statement {
            Statement::Set(name, value) => {
                self.variables.insert(name.clone(), value.clone());
            }
            Statement::Append(name, value) => self.append(name, value),
            Statement::Export(name, value) => {
                self.exported.insert(name.clone(), Some(value.clone()));
            }
            Statement::Unset(name) => {
                self.variables.remove(name);
                self.exported.insert(name.clone(), None);
            }
            Statement::Include(name) => self.include(name)?,
            Statement::Test(name, modifiers) => {
                modifiers.iter().try_for_each(|modifier| self.include(modifier))?;
                self.do_test(name)?;
            }
        }
        Ok(())
    }

    fn append(&mut self, name: &str, value: &str) {
        self.variables.entry(name.to_owned()).or_default().push_str(value);
    }

    /// The libraries that come with OCaml, and the test suite's own.
    fn include(&mut self, name: &str) -> Result<(), Leaf> {
        let libraries: &[&str] = match name {
            "unix" => &["unix"],
            "systhreads" => &["unix", "threads"],
            "str" => &["str"],
            "runtime_events" => &["runtime_events"],
            "testing" => &["testing"],
            "dynlink" => return Err(Leaf::NotFor("native-dynlink".to_owned())),
            "principal" => return Err(Leaf::Other("types alone")),
            _ => return Err(Leaf::NotKnown(format!("include {name}"))),
        };
        for library in libraries {
            self.append("libraries", &format!(" {library} "));
            self.append("directories", &format!(" {library} "));
        }
        Ok(())
    }

    fn do_test(&mut self, name: &str) -> Result<(), Leaf> {
        match condition(name, self.source.target) {
            Some(true) => return Ok(()),
            Some(false) => return Err(Leaf::NotFor(name.to_owned())),
            None => {}
        }
        match name {
            "native" => {
                self.setup();
                self.compile()?;
                if self.variable("compile_only") != "true" {
                    self.run(true)?;
                }
                Ok(())
            }
            "setup-ocamlopt.byte-build-env" => {
                self.setup();
                Ok(())
            }
            "ocamlopt.byte" => self.compile(),
            "run" => self.run(false),
            "check-program-output" => self.check(),
            // What compilers say is not what is looked at here.
            "check-ocamlopt.byte-output" | "check-ocamlopt.opt-output" => Ok(()),
            "pass" => Ok(()),
            "setup-ocamlopt.opt-build-env" | "ocamlopt.opt" => Err(Leaf::Other("the compiler in its other form")),
            _ if is_of_bytecode(name) => Err(Leaf::Other("bytecode")),
            "expect" | "toplevel" | "toplevel.opt" | "setup-ocaml-build-env" | "ocaml" | "ocamlnat" => {
                Err(Leaf::Other("the toplevel"))
            }
            "script" => Err(Leaf::NotKnown("a shell script".to_owned())),
            _ => Err(Leaf::NotKnown(format!("action {name}"))),
        }
    }

    fn setup(&mut self) {
        if !self.variables.contains_key("all_modules") {
            let mut modules = self.words("plugins");
            modules.extend(self.words("modules"));
            modules.push(self.source.file.to_owned());
            self.variables.insert("all_modules".to_owned(), modules.join(" "));
        }
        let stem = self.stem().to_owned();
        self.variables.entry("program".to_owned()).or_insert_with(|| format!("{stem}.opt"));
    }

    /// A module alone, or a program.
    fn compile(&mut self) -> Result<(), Leaf> {
        let module = self.expanded("module")?;
        let modules = if module.is_empty() { self.expanded("all_modules")? } else { module.clone() };
        let modules: Vec<String> = modules.split_whitespace().map(str::to_owned).collect();
        // An interface that nobody names is compiled before what it is of.
        let with_interface = |module: &String| {
            let interface = module.strip_suffix(".ml").map(|stem| format!("{stem}.mli"));
            let interface = interface.filter(|name| !modules.contains(name) && (self.source.has)(name));
            interface.into_iter().chain([module.clone()])
        };
        let named: Vec<String> = modules.iter().flat_map(with_interface).collect();
        let only = !module.is_empty() || self.variable("compile_only") == "true";
        let program = self.expanded("program")?;
        let what = if only { "-c".to_owned() } else { format!("-o {}", quoted(&program)) };
        let directories = self.words("directories").into_iter().map(|name| match name.as_str() {
            "testing" => "-I $LIB".to_owned(),
            name => format!("-I +{name}"),
        });
        let libraries = if only { Vec::new() } else { self.words("libraries") };
        let libraries = libraries.into_iter().map(|name| format!("{name}.cmxa"));
        let binary: Vec<_> = self.words("binary_modules").into_iter().map(|name| format!("{name}.cmx")).collect();
        let c = named.iter().any(|name| name.ends_with(".c")).then(|| "-I .".to_owned());
        let flags = self.expanded("flags")?;
        // Otherwise it would hide what is in the standard library: OCaml 4's has a library `bigarray` beside `Stdlib.Bigarray`.
        let bare = flags.split_whitespace().any(|word| word == "-nostdlib").then(|| "-I $STDLIB".to_owned());
        let line: Vec<String> = ["$OCAMLOPT".to_owned()]
            .into_iter()
            .chain(bare)
            .chain(c)
            .chain(directories)
            .chain([flags])
            .chain(libraries)
            .chain([self.expanded("ocamlopt_flags")?, what])
            .chain(binary)
            .chain(named.iter().map(|name| quoted(name)))
            .chain([self.expanded("last_flags")?])
            .filter(|word| !word.is_empty())
            .collect();
        let exit = self.number("ocamlopt_byte_exit_status")?;
        self.case.steps.push(Step::Compile { line: line.join(" "), exit, program });
        Ok(())
    }

    fn run(&mut self, checked: bool) -> Result<(), Leaf> {
        let mut environment = self.exported.clone();
        let parameters = self.expanded("ocamlrunparam")?;
        if !parameters.is_empty() {
            environment.insert("OCAMLRUNPARAM".to_owned(), Some(parameters.trim_start_matches(',').to_owned()));
        }
        for name in ["stdout", "stderr"] {
            if !self.variable(name).is_empty() {
                return Err(Leaf::NotKnown(format!("{name} = …")));
            }
        }
        let run = Run {
            program: self.expanded("program")?,
            arguments: self.expanded("arguments")?.split_whitespace().map(str::to_owned).collect(),
            stdin: Some(self.expanded("stdin")?).filter(|name| !name.is_empty()),
            environment,
            exit: self.number("exit_status")?,
            reference: None,
        };
        self.case.steps.push(Step::Run(run));
        if checked { self.check() } else { Ok(()) }
    }

    /// What the last program printed is compared.
    fn check(&mut self) -> Result<(), Leaf> {
        let reference = match self.variable("reference") {
            "" => format!("{}.reference", self.stem()),
            _ => self.expanded("reference")?.trim_start_matches("./").to_owned(),
        };
        if !self.variable("output").is_empty() {
            return Err(Leaf::NotKnown("output = …".to_owned()));
        }
        let last = self.case.steps.iter_mut().rev().find_map(|step| match step {
            Step::Run(run) => Some(run),
            Step::Compile { .. } => None,
        });
        last.map(|run| run.reference = Some(reference)).ok_or(Leaf::Other("nothing is run"))
    }

    fn stem(&self) -> &str {
        self.source.file.rsplit_once('.').map_or(self.source.file, |(stem, _)| stem)
    }

    fn variable(&self, name: &str) -> &str {
        self.variables.get(name).map(String::as_str).unwrap_or_default()
    }

    fn words(&self, name: &str) -> Vec<String> {
        self.variable(name).split_whitespace().map(str::to_owned).collect()
    }

    fn number(&self, name: &str) -> Result<i32, Leaf> {
        let text = self.variable(name).trim();
        if text.is_empty() { Ok(0) } else { text.parse().map_err(|_| Leaf::NotKnown(format!("{name} = {text}"))) }
    }

    /// A variable in which `${name}`s are filled in. Everything is in one directory here.
    fn expanded(&self, name: &str) -> Result<String, Leaf> {
        let mut text = self.variable(name).to_owned();
        while let Some(at) = text.find("${") {
            let rest = text.get(at + 2..).unwrap_or_default();
            let Some((inner, after)) = rest.split_once('}') else { break };
            let value = match inner {
                "test_build_directory" | "test_source_directory" => ".".to_owned(),
                inner if self.variables.contains_key(inner) => self.variable(inner).to_owned(),
                inner => return Err(Leaf::NotKnown(format!("variable {inner}"))),
            };
            text = format!("{}{value}{after}", text.get(..at).unwrap_or_default());
        }
        Ok(text)
    }
}

fn is_of_bytecode(name: &str) -> bool {
    name == "bytecode" || name.contains("ocamlc.") || name == "ocamlmklib" || name == "ocamlrun"
}

fn quoted(word: &str) -> String {
    format!("'{word}'")
}

/// Whether a condition holds for programs of `target`; none if it is no condition, or none that is known.
fn condition(name: &str, target: Target) -> Option<bool> {
    let spec = target.spec();
    let windows = spec.os == Os::Windows;
    let arch = |cpus: &[Cpu]| Some(cpus.contains(&spec.cpu));
    match name {
        // Both ports have all of these, and neither linker nor tools are tested.
        "hasunix"
        | "hasstr"
        | "hassysthreads"
        | "native-compiler"
        | "no-tsan"
        | "no-flambda"
        | "flat-float-array"
        | "no-afl-instrument"
        | "no-shared-libraries"
        | "tsan-no"
        | "naked_pointers"
        // No machine that these tests are run on has one CPU alone.
        | "multicore"
        | "ok" => Some(true),
        // Programs are linked statically, and without instruments.
        "shared-libraries"
        | "native-dynlink"
        | "tsan"
        | "flambda"
        | "no-flat-float-array"
        | "afl-instrument"
        | "instrumented-runtime"
        | "debugger"
        | "csharp-compiler"
        | "frame_pointers"
        | "macos"
        | "bsd"
        | "skip"
        | "fp" => Some(false),
        "libunix" | "not-windows" | "not-target-windows" | "has_symlink" | "unix" => Some(!windows),
        "libwin32unix" | "windows" | "target-windows" | "windows-unicode" | "mingw" => Some(windows),
        "msvc" | "msvc64" | "cygwin" | "macosx" => Some(false),
        "not-bsd" | "not-msvc" | "not-macos" | "not_macos_amd64_tsan" => Some(true),
        "linux" => Some(spec.os == Os::Linux),
        "function_sections" => Some(!windows),
        "musl" => Some(spec.abi == Abi::Musl),
        "arch32" => Some(target.cpu().bits == 32),
        "arch64" => Some(target.cpu().bits == 64),
        "arch_amd64" => arch(&[Cpu::X86_64]),
        "arch_arm64" => arch(&[Cpu::Aarch64]),
        "arch_arm" => arch(&[Cpu::Armv7]),
        "arch_i386" => arch(&[Cpu::X86]),
        "arch_power" => arch(&[Cpu::Powerpc64le]),
        "arch_riscv" => arch(&[Cpu::Riscv64]),
        "arch_s390x" => arch(&[Cpu::S390x]),
        "big-endian" => Some(target.cpu().endian == Endian::Big),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tsl;
    use super::*;

    fn leaves_of(source: &str, target: &str, beside: &[&str]) -> Vec<Leaf> {
        let block = tsl::parse(source).unwrap().unwrap();
        let has = |name: &str| beside.contains(&name);
        leaves(&block, &Source { file: "t.ml", has: &has, target: target.parse().unwrap() })
    }

    fn lines(leaf: &Leaf) -> Vec<String> {
        let Leaf::Case(case) = leaf else { panic!("{leaf:?}") };
        let line = |step: &Step| match step {
            Step::Compile { line, exit, .. } => format!("{line} ({exit})"),
            Step::Run(run) => format!("{} {:?} ({}) {:?}", run.program, run.arguments, run.exit, run.reference),
        };
        case.steps.iter().map(line).collect()
    }

    #[test]
    fn a_test_that_says_nothing_is_compiled_run_and_compared() {
        let found = leaves_of(
            "(* TEST\n include unix; flags = \"-g -nostdlib\"; modules = \"a.ml b.c\";\n*)",
            "riscv64-linux-musl",
            &["a.mli"],
        );
        assert_eq!(
            lines(&found[0]),
            [
                "$OCAMLOPT -I $STDLIB -I . -I +unix -g -nostdlib unix.cmxa -o 't.opt' 'a.mli' 'a.ml' 'b.c' 't.ml' (0)",
                "t.opt [] (0) Some(\"t.reference\")"
            ]
        );
        assert_eq!(found.len(), 1);
    }

    #[test]
    fn ways_that_are_not_gone_say_why() {
        let text = "(* TEST\n { not-windows; native; }{ bytecode; }{ script; }{ shared-libraries; native; }{ include x; native; }{ strange; }\n*)";
        let found = leaves_of(text, "x86_64-linux-musl", &[]);
        assert_eq!(found[1], Leaf::Other("bytecode"));
        assert_eq!(found[2], Leaf::NotKnown("a shell script".to_owned()));
        assert_eq!(found[3], Leaf::NotFor("shared-libraries".to_owned()));
        assert_eq!(found[4], Leaf::NotKnown("include x".to_owned()));
        assert_eq!(found[5], Leaf::NotKnown("action strange".to_owned()));
    }

    #[test]
    fn steps_are_done_one_by_one() {
        let text = "(* TEST\n readonly_files = \"d.txt\";\n setup-ocamlopt.byte-build-env;\n module = \"m.ml\"; ocamlopt.byte;\n unset module;\n \
                    program = \"${test_build_directory}/p.exe\"; all_modules = \"m.ml t.ml\"; exit_status = \"2\"; ocamlopt.byte;\n \
                    arguments = \"a b\"; ocamlrunparam += \",b=1\"; set X = \"1\"; run; reference = \"${test_source_directory}/o.reference\"; check-program-output;\n*)";
        let found = leaves_of(text, "x86_64-linux-musl", &[]);
        assert_eq!(
            lines(&found[0]),
            [
                "$OCAMLOPT -c 'm.ml' (0)",
                "$OCAMLOPT -o './p.exe' 'm.ml' 't.ml' (0)",
                "./p.exe [\"a\", \"b\"] (2) Some(\"o.reference\")"
            ]
        );
        let Leaf::Case(case) = &found[0] else { panic!() };
        assert_eq!(case.files, ["d.txt"]);
        let Some(Step::Run(run)) = case.steps.last() else { panic!() };
        assert_eq!(run.environment["OCAMLRUNPARAM"].as_deref(), Some("b=1"));
        assert_eq!(run.environment["X"].as_deref(), Some("1"));
    }
}
