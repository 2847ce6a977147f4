//! What CMake's variables say of a C toolchain.
//!
//! # Source
//! cmake-toolchains(7) and cmake-variables(7), version 3.25; `CMakeDetermineSystem.cmake`, `CMakeCInformation.cmake`. Not
//! here: whether the files exist, and what is made of a system's or processor's name.

use std::collections::BTreeMap;

use crate::added;
use crate::cache;
use crate::error::Error;
use crate::evaluate::{Evaluation, World};
use crate::words;

/// A C toolchain as CMake would use it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Toolchain {
    /// `CMAKE_SYSTEM_NAME`: `Linux`, `Windows`, `Android`; none where CMake would take the machine's own.
    pub system: Option<String>,
    /// `CMAKE_SYSTEM_PROCESSOR`.
    pub processor: Option<String>,
    /// The C compiler: a path, or a name to be looked up.
    pub compiler: Option<String>,
    /// What compiles assembly, if that is not the C compiler: takes a compiler's options.
    pub assembler: Option<String>,
    /// `CMAKE_SYSROOT`.
    pub sysroot: Option<String>,
    /// `CMAKE_C_COMPILER_TARGET`: what clang calls the target.
    pub target: Option<String>,
    /// Arguments of every compilation and link, in the order in which CMake gives them.
    pub cflags: Vec<String>,
    /// Arguments of every assembly.
    pub asmflags: Vec<String>,
    /// Arguments of every link.
    pub ldflags: Vec<String>,
    /// What CMake links with everything, after all else.
    pub libraries: Vec<String>,
    /// Other programs, by the names that they have in a toolchain's `bin`.
    pub tools: BTreeMap<String, String>,
}

/// CMake's variables for programs, and what the programs are called.
const TOOLS: &[(&str, &str)] = &[
    ("CMAKE_AR", "ar"),
    ("CMAKE_DLLTOOL", "dlltool"),
    ("CMAKE_LINKER", "ld"),
    ("CMAKE_NM", "nm"),
    ("CMAKE_OBJCOPY", "objcopy"),
    ("CMAKE_OBJDUMP", "objdump"),
    ("CMAKE_RANLIB", "ranlib"),
    ("CMAKE_READELF", "readelf"),
    ("CMAKE_STRIP", "strip"),
];

/// What a toolchain file says.
///
/// # Errors
/// The first thing in it or in what it includes that is wrong, or not evaluated here.
pub fn of_file(world: &dyn World, path: &str, text: &str, machine: &Machine<'_>) -> Result<Toolchain, Error> {
    let mut evaluation = Evaluation::new(world, machine.variables()).below_cmake();
    evaluation.variables.insert("CMAKE_TOOLCHAIN_FILE".to_owned(), path.to_owned());
    evaluation.run(path, text)?;
    evaluation.depends_on(names().chain([added::FLAGS, added::LINK_FLAGS, added::LIBRARIES]))?;
    Ok(Toolchain::of(&evaluation.finish()))
}

/// The files of a configured build directory that matter, besides `CMakeCache.txt`: in `CMakeFiles/VERSION/`.
pub const CONFIGURED: [&str; 2] = ["CMakeSystem.cmake", "CMakeCCompiler.cmake"];

/// What a configured build directory says: its cache, and the files that CMake wrote about system and compiler, as path and
/// text.
///
/// # Errors
/// What is wrong in one of these files.
pub fn of_build(
    world: &dyn World,
    cache: &str,
    configured: &[(String, String)],
    machine: &Machine<'_>,
) -> Result<Toolchain, Error> {
    let mut variables = machine.variables();
    variables.extend(cache::parse(cache));
    variables.extend(cache::of_project(&variables));
    let mut evaluation = Evaluation::new(world, variables).below_cmake();
    for (path, text) in configured {
        // CMake's notes on the system include the toolchain file, whose variables go before the cache.
        evaluation.run(path, text)?;
    }
    evaluation.depends_on(names().chain([added::FLAGS, added::LINK_FLAGS, added::LIBRARIES]))?;
    let mut toolchain = Toolchain::of(&evaluation.finish());
    // CMake notes whatever `ld` it finds, and links by the compiler.
    toolchain.tools.remove("ld");
    Ok(toolchain)
}

/// The variables that say something of a toolchain.
fn names() -> impl Iterator<Item = &'static str> {
    WANTED.iter().copied().chain(TOOLS.iter().map(|(variable, _)| *variable))
}

/// Properties of a directory, and the commands that add to them. The first is [`probe`]'s own.
const PROPERTIES: &[(&str, &str)] = &[
    ("bactrian_definitions", "add_definitions"),
    ("COMPILE_DEFINITIONS", "add_compile_definitions"),
    ("COMPILE_OPTIONS", "add_compile_options"),
    ("INCLUDE_DIRECTORIES", "include_directories"),
    ("LINK_DIRECTORIES", "link_directories"),
    ("LINK_LIBRARIES", "link_libraries"),
    ("LINK_OPTIONS", "add_link_options"),
];

/// A project that writes to the file `answer` what a toolchain file says, for CMake itself. It has no language: nothing is
/// compiled. What `add_definitions` is given is noted besides: no property of CMake has what is no definition.
#[must_use]
pub fn probe(answer: &str) -> String {
    let names: Vec<_> = names().collect();
    let property = |(property, command): &(&str, &str)| {
        format!(
            "get_directory_property(value {property})\nif(NOT \"${{value}}\" STREQUAL \"\")\n  \
             string(APPEND answer \"{command}([==[${{value}}]==])\\n\")\nendif()\n"
        )
    };
    let properties: String = PROPERTIES.iter().map(property).collect();
    format!(
        "cmake_minimum_required(VERSION 3.10)\nmacro(add_definitions)\n  _add_definitions(${{ARGV}})\n  \
         set_property(DIRECTORY APPEND PROPERTY bactrian_definitions \"${{ARGV}}\")\nendmacro()\n\
         project(bactrian_probe NONE)\nset(answer \"\")\n\
         foreach(name IN ITEMS {})\n  if(DEFINED ${{name}})\n    \
         string(APPEND answer \"set(${{name}} [==[${{${{name}}}}]==])\\n\")\n  endif()\nendforeach()\n\
         {properties}file(WRITE [==[{answer}]==] \"${{answer}}\")\n",
        names.join(" ")
    )
}

/// What the file says that [`probe`] has CMake write.
///
/// # Errors
/// If it is not that file.
pub fn of_answer(text: &str) -> Result<Toolchain, Error> {
    let mut evaluation = Evaluation::new(&Nothing, BTreeMap::new());
    evaluation.run("answer.cmake", text)?;
    Ok(Toolchain::of(&evaluation.finish()))
}

/// A world in which nothing is.
struct Nothing;

impl World for Nothing {
    fn read(&self, _: &str) -> Option<String> {
        None
    }

    fn exists(&self, _: &str) -> bool {
        false
    }

    fn is_program(&self, _: &str) -> bool {
        false
    }

    fn real(&self, _: &str) -> Option<String> {
        None
    }

    fn environment(&self, _: &str) -> Option<String> {
        None
    }
}

const WANTED: &[&str] = &[
    "CMAKE_ASM_COMPILER",
    "CMAKE_ASM_COMPILER_TARGET",
    "CMAKE_ASM_FLAGS",
    "CMAKE_ASM_FLAGS_INIT",
    "CMAKE_C_COMPILER",
    "CMAKE_C_COMPILER_ARG1",
    "CMAKE_C_COMPILER_EXTERNAL_TOOLCHAIN",
    "CMAKE_C_COMPILER_TARGET",
    "CMAKE_C_FLAGS",
    "CMAKE_C_FLAGS_INIT",
    "CMAKE_C_STANDARD_LIBRARIES",
    "CMAKE_C_STANDARD_LIBRARIES_INIT",
    "CMAKE_EXE_LINKER_FLAGS",
    "CMAKE_EXE_LINKER_FLAGS_INIT",
    "CMAKE_SYSROOT",
    "CMAKE_SYSTEM_NAME",
    "CMAKE_SYSTEM_PROCESSOR",
];

/// The machine that CMake runs on, in its words.
#[derive(Debug, Clone, Copy)]
pub struct Machine<'m> {
    /// `CMAKE_HOST_SYSTEM_NAME`, such as `Linux`.
    pub system: &'m str,
    /// `CMAKE_HOST_SYSTEM_PROCESSOR`, such as `x86_64`.
    pub processor: &'m str,
}

impl Machine<'_> {
    fn variables(&self) -> BTreeMap<String, String> {
        let mut variables = vec![
            ("CMAKE_HOST_SYSTEM_NAME", self.system),
            ("CMAKE_HOST_SYSTEM_PROCESSOR", self.processor),
            ("CMAKE_EXECUTABLE_SUFFIX", ""),
        ];
        match self.system {
            "Windows" => variables.push(("CMAKE_HOST_WIN32", "1")),
            "Darwin" => variables.extend([("CMAKE_HOST_UNIX", "1"), ("CMAKE_HOST_APPLE", "1")]),
            // A toolchain file is read before CMake asks which system it is for.
            _ => variables.extend([("CMAKE_HOST_UNIX", "1"), ("UNIX", "1")]),
        }
        variables.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    }
}

impl Toolchain {
    /// What variables say, however they came to be.
    #[must_use]
    pub fn of(variables: &BTreeMap<String, String>) -> Self {
        let get = |name: &str| {
            variables
                .get(name)
                .map(|value| value.trim())
                .filter(|value| !value.is_empty() && !value.ends_with("-NOTFOUND"))
        };
        let owned = |name: &str| get(name).map(str::to_owned);
        // What is set goes before what only the cache is to begin with.
        let flags = |name: &str| -> Vec<String> {
            let set = variables.get(name).filter(|value| !value.trim().is_empty()).map(String::as_str);
            words(set.or_else(|| get(&format!("{name}_INIT"))).unwrap_or_default())
        };
        // A compiler can be a list: the program and arguments that it is always given.
        let mut compiler = get("CMAKE_C_COMPILER").unwrap_or_default().split(';').map(str::to_owned);
        let program = compiler.next().filter(|program| !program.is_empty());
        let mut cflags: Vec<String> = compiler.collect();
        cflags.extend(words(get("CMAKE_C_COMPILER_ARG1").unwrap_or_default()));
        cflags.extend(get("CMAKE_C_COMPILER_TARGET").map(|target| format!("--target={target}")));
        let external = get("CMAKE_C_COMPILER_EXTERNAL_TOOLCHAIN");
        cflags.extend(external.map(|directory| format!("--gcc-toolchain={directory}")));
        cflags.extend(flags("CMAKE_C_FLAGS"));
        cflags.extend(added::flags(added::FLAGS, variables));
        let mut ldflags = flags("CMAKE_EXE_LINKER_FLAGS");
        ldflags.extend(added::flags(added::LINK_FLAGS, variables));
        let mut libraries = added::flags(added::LIBRARIES, variables);
        libraries.extend(flags("CMAKE_C_STANDARD_LIBRARIES"));
        let assembler = owned("CMAKE_ASM_COMPILER").filter(|assembler| Some(assembler) != program.as_ref());
        let mut asmflags = Vec::new();
        if assembler.is_some() {
            let target = get("CMAKE_ASM_COMPILER_TARGET").or_else(|| get("CMAKE_C_COMPILER_TARGET"));
            asmflags.extend(target.map(|target| format!("--target={target}")));
        }
        asmflags.extend(flags("CMAKE_ASM_FLAGS"));
        let tool = |(variable, name): &(&str, &str)| Some(((*name).to_owned(), owned(variable)?));
        Self {
            system: owned("CMAKE_SYSTEM_NAME"),
            processor: owned("CMAKE_SYSTEM_PROCESSOR"),
            assembler,
            compiler: program,
            sysroot: owned("CMAKE_SYSROOT"),
            target: owned("CMAKE_C_COMPILER_TARGET"),
            cflags,
            asmflags,
            ldflags,
            libraries,
            tools: TOOLS.iter().filter_map(tool).collect(),
        }
    }
}

#[cfg(test)]
mod tests;
