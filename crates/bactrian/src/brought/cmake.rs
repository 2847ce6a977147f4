//! What a CMake toolchain file or build directory says of a compiler.
//!
//! A file that does more than Bactrian's reader evaluates is given to CMake itself, if there is one: in a project that
//! has no language, so that nothing is compiled. Not here: the language (the crate `cmake`).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use cmake::cache::{BUILD, HOME};
use cmake::error::{Error, Fault, line_column};
use cmake::evaluate::World;
use cmake::toolchain::{self, CONFIGURED, Machine, Toolchain};
use plan::target::Target;
use plan::target::foreign::of_cmake;

use crate::error::CommandError;
use crate::settings::Bring;
use crate::settings::toolchain::CToolchain;
use crate::surroundings::{Surroundings, is_program};
use crate::text;

/// This machine, in CMake's words: what is built here is built on Linux.
const SYSTEM: &str = "Linux";
const MACHINE: Machine<'_> = Machine { system: SYSTEM, processor: std::env::consts::ARCH };

/// The toolchain that `path` says, for the target it is brought for; what `bring` says besides goes before.
pub(super) fn said(path: &Path, bring: &Bring, around: &Surroundings) -> Result<CToolchain, CommandError> {
    let toolchain = read(path, around)?;
    fits(path, &toolchain, bring.target)?;
    let Some(compiler) = &toolchain.compiler else {
        return Err(CommandError::usage(format_args!("{} names no C compiler", path.display()))
            .hint("CMAKE_C_COMPILER is to be set in it"));
    };
    let own = bring.toolchain.clone();
    let mut tools: std::collections::BTreeMap<_, _> =
        toolchain.tools.iter().map(|(name, path)| (name.clone(), PathBuf::from(path))).collect();
    tools.extend(own.tools);
    let mut cflags = toolchain.cflags;
    cflags.extend(own.cflags);
    let mut ldflags = toolchain.ldflags;
    ldflags.extend(own.ldflags);
    let mut asmflags = toolchain.asmflags;
    asmflags.extend(own.asmflags);
    Ok(CToolchain {
        cc: Some(compiler.into()),
        asm: toolchain.assembler.map(PathBuf::from),
        cmake: None,
        tools,
        sysroot: own.sysroot.or_else(|| toolchain.sysroot.map(PathBuf::from)),
        cflags,
        asmflags,
        ldflags,
        ldlibs: toolchain.libraries,
        ..own
    })
}

/// The targets that a toolchain file or build directory can be meant for.
pub(crate) fn targets(path: &Path, around: &Surroundings) -> Result<Vec<Target>, CommandError> {
    let toolchain = read(path, around)?;
    let Some(system) = &toolchain.system else { return Ok(Vec::new()) };
    // clang's name of the target is one of ours, or an alias.
    if let Some(target) = toolchain.target.as_deref().and_then(|name| name.parse::<Target>().ok()) {
        return Ok(vec![target]);
    }
    Ok(of_cmake(system, toolchain.processor.as_deref()))
}

/// The toolchain is for the target's system and processor.
fn fits(path: &Path, toolchain: &Toolchain, target: Target) -> Result<(), CommandError> {
    let spec = target.spec();
    let system = toolchain.system.as_deref().unwrap_or(SYSTEM);
    let processor = toolchain.processor.as_deref();
    if spec.is_cmake_system(system) && processor.is_none_or(|processor| spec.is_cmake_processor(processor)) {
        return Ok(());
    }
    let what = processor.map_or_else(|| system.to_owned(), |processor| format!("{system} on {processor}"));
    let told = CommandError::usage(format_args!("{} is for {what}, not for {target}", path.display()));
    let meant: Vec<_> = of_cmake(system, processor).into_iter().map(|target| target.spec().name).collect();
    Err(match meant.as_slice() {
        [] => told.hint(
            "CMAKE_SYSTEM_NAME and CMAKE_SYSTEM_PROCESSOR in it name no target; `bactrian target list` shows all",
        ),
        meant => told.hint(format_args!("it can be used with `--target` {}", text::any_of(meant))),
    })
}

fn read(path: &Path, around: &Surroundings) -> Result<Toolchain, CommandError> {
    let unreadable = |path: &Path, error: std::io::Error| {
        CommandError::usage(format_args!("cannot read {}", path.display())).cause(error)
    };
    if path.is_dir() {
        return build(path, around);
    }
    let text = fs::read_to_string(path).map_err(|error| unreadable(path, error))?;
    let name = path.display().to_string();
    match toolchain::of_file(&Here(around), &name, &text, &MACHINE) {
        Err(error) if matches!(error.fault, Fault::Beyond(_)) => {
            let answer = ask(path, None, around).unwrap_or_else(|| Err(told(&error)))?;
            toolchain::of_answer(&answer).map_err(|error| told(&error))
        }
        Err(error) => Err(told(&error)),
        Ok(toolchain) => Ok(toolchain),
    }
}

/// What a configured build directory says.
fn build(directory: &Path, around: &Surroundings) -> Result<Toolchain, CommandError> {
    let missing = |what: &str| {
        CommandError::usage(format_args!("{} is no configured CMake build directory", directory.display()))
            .cause(format_args!("there is no {what} in it"))
            .hint("give a toolchain file, or a directory in which `cmake` has configured a project that uses C")
    };
    let cache = fs::read_to_string(directory.join("CMakeCache.txt")).map_err(|_| missing("CMakeCache.txt"))?;
    let versions = fs::read_dir(directory.join("CMakeFiles")).map_err(|_| missing("CMakeFiles"))?;
    let mut versions: Vec<_> = versions
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| CONFIGURED.iter().all(|file| path.join(file).is_file()))
        .collect();
    versions.sort();
    let Some(version) = versions.last() else { return Err(missing("CMakeFiles/VERSION/CMakeCCompiler.cmake")) };
    let mut configured = Vec::new();
    for file in CONFIGURED {
        let path = version.join(file);
        let text = fs::read_to_string(&path)
            .map_err(|error| CommandError::usage(format_args!("cannot read {}", path.display())).cause(error))?;
        configured.push((path.display().to_string(), text));
    }
    let error = match toolchain::of_build(&Here(around), &cache, &configured, &MACHINE) {
        Ok(toolchain) => return Ok(toolchain),
        Err(error) => error,
    };
    // What CMake wrote itself is read here, so it is the toolchain file that does more.
    let mut known = cmake::cache::parse(&cache);
    let file = known.remove("CMAKE_TOOLCHAIN_FILE").map(|file| directory.join(file));
    let (Fault::Beyond(_), Some(file)) = (&error.fault, file) else { return Err(told(&error)) };
    let project = Project {
        source: known.remove(HOME).unwrap_or_default(),
        build: known.remove(BUILD).unwrap_or_else(|| directory.display().to_string()),
        said: cmake::cache::said(&cache),
    };
    let text = ask(&file, Some(&project), around).unwrap_or_else(|| Err(told(&error)))?;
    let world = Answered { here: Here(around), file: file.display().to_string(), text };
    toolchain::of_build(&world, &cache, &configured, &MACHINE).map_err(|error| told(&error))
}

/// An error in a file, with its place and the line.
fn told(error: &Error) -> CommandError {
    let text = fs::read_to_string(&error.file).unwrap_or_default();
    let (line, column) = line_column(&text, error.span.start);
    let shown = text.lines().nth(line - 1).unwrap_or_default().replace('\t', " ");
    let number = line.to_string();
    let margin = " ".repeat(number.len());
    let told = CommandError::usage(format_args!("{}:{line}:{column}: {}", error.file, error.fault))
        .cause(format_args!("\n{number} | {shown}\n{margin} | {}^", " ".repeat(column - 1)));
    match &error.fault {
        Fault::Beyond(_) => told
            .hint("with `cmake` in PATH it is asked what the file means; `[toolchain.TARGET]` in bactrian.toml says the same by hand"),
        Fault::Generator(_) => told.hint("`[toolchain.TARGET]` in bactrian.toml says the flags that are meant by hand"),
        _ => told,
    }
}

/// The project that a toolchain file is read for.
struct Project {
    source: String,
    build: String,
    /// Arguments of CMake: variables that the file may read.
    said: Vec<String>,
}

/// A file that sets what a toolchain file sets, written by CMake itself; nothing if there is no CMake.
fn ask(path: &Path, project: Option<&Project>, around: &Surroundings) -> Option<Result<String, CommandError>> {
    around.env.program("cmake").map(|program| probe(&program, path, project))
}

fn probe(program: &Path, path: &Path, project: Option<&Project>) -> Result<String, CommandError> {
    let failed = |error: &dyn std::fmt::Display| {
        CommandError::environment(format_args!("cannot ask CMake what {} means", path.display())).cause(error)
    };
    let temporary = tempfile::tempdir().map_err(|error| failed(&error))?;
    let directory = temporary.path().canonicalize().map_err(|error| failed(&error))?;
    let (source, build) = (directory.join("source"), directory.join("build"));
    let answer = directory.join("answer.cmake");
    fs::create_dir(&source).map_err(|error| failed(&error))?;
    fs::write(source.join("CMakeLists.txt"), toolchain::probe(&answer.display().to_string()))
        .map_err(|error| failed(&error))?;
    let output = Command::new(program)
        .arg("-S")
        .arg(&source)
        .arg("-B")
        .arg(&build)
        .arg(format!("-DCMAKE_TOOLCHAIN_FILE={}", path.display()))
        .args(project.map_or(&[][..], |project| &project.said))
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(&error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        return Err(CommandError::usage(format_args!("CMake refuses {}", path.display())).cause(said));
    }
    let answer = fs::read_to_string(&answer).map_err(|error| failed(&error))?;
    // The file was read for a project that nobody means.
    let named = |directory: &Path| directory.display().to_string();
    match project {
        Some(project) => Ok(answer.replace(&named(&source), &project.source).replace(&named(&build), &project.build)),
        None if answer.contains(&named(&directory)) => {
            Err(CommandError::usage(format_args!("what {} says depends on the project that reads it", path.display()))
                .hint("give the project's build directory"))
        }
        None => Ok(answer),
    }
}

/// This machine, as a CMake file sees it.
struct Here<'s>(&'s Surroundings);

impl World for Here<'_> {
    fn read(&self, path: &str) -> Option<String> {
        fs::read_to_string(path).ok()
    }

    fn exists(&self, path: &str) -> bool {
        Path::new(path).exists()
    }

    fn is_program(&self, path: &str) -> bool {
        is_program(Path::new(path))
    }

    fn real(&self, path: &str) -> Option<String> {
        Some(Path::new(path).canonicalize().ok()?.to_str()?.to_owned())
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.0.env.get(name).map(|value| value.to_string_lossy().into_owned())
    }
}

/// The same machine, where CMake has been asked what one file says.
struct Answered<'s> {
    here: Here<'s>,
    file: String,
    text: String,
}

impl World for Answered<'_> {
    fn read(&self, path: &str) -> Option<String> {
        if path == self.file { Some(self.text.clone()) } else { self.here.read(path) }
    }

    fn exists(&self, path: &str) -> bool {
        self.here.exists(path)
    }

    fn is_program(&self, path: &str) -> bool {
        self.here.is_program(path)
    }

    fn real(&self, path: &str) -> Option<String> {
        self.here.real(path)
    }

    fn environment(&self, name: &str) -> Option<String> {
        self.here.environment(name)
    }
}
