use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::error::Fault;

/// A world of a few files.
#[derive(Default)]
struct Files(BTreeMap<&'static str, &'static str>);

impl World for Files {
    fn read(&self, path: &str) -> Option<String> {
        self.0.get(path).map(|text| (*text).to_owned())
    }

    fn exists(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    fn is_program(&self, path: &str) -> bool {
        self.exists(path)
    }

    /// What is in `/link` is a link to the same in `/opt`.
    fn real(&self, path: &str) -> Option<String> {
        Some(path.strip_prefix("/link").map_or_else(|| path.to_owned(), |rest| format!("/opt{rest}")))
    }

    fn environment(&self, name: &str) -> Option<String> {
        let known = [("PATH", "/usr/local/bin:/usr/bin"), ("SDK", "/opt/sdk"), ("TOOLS", "/opt/a:/opt/b")];
        known.into_iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    }
}

const HERE: Machine<'_> = Machine { system: "Linux", processor: "x86_64" };

fn read(files: &[(&'static str, &'static str)], text: &str) -> Result<Toolchain, Error> {
    of_file(&Files(files.iter().copied().collect()), "/p/tc/arm.cmake", text, &HERE)
}

#[test]
fn a_usual_file() {
    let text = r#"
# a cross compiler
cmake_minimum_required(VERSION 3.10)
set(CMAKE_SYSTEM_NAME Linux)
SET(CMAKE_SYSTEM_PROCESSOR aarch64)
set(triple aarch64-linux-gnu)
set(root "$ENV{SDK}/x")
if(NOT DEFINED TOOLS)
  set(TOOLS "${CMAKE_CURRENT_LIST_DIR}/../bin" CACHE PATH "where")
endif()
set(CMAKE_C_COMPILER ${TOOLS}/${triple}-gcc)
set(CMAKE_ASM_COMPILER ${CMAKE_C_COMPILER})
set(CMAKE_SYSROOT ${root})
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-a72 -DNAME=\"\\\"a b\\\"\"")
string(APPEND CMAKE_C_FLAGS_INIT " -g0")
set(CMAKE_EXE_LINKER_FLAGS_INIT -Wl,-z,relro)
set(CMAKE_AR ${TOOLS}/${triple}-ar)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
"#;
    let toolchain = read(&[], text).unwrap();
    assert_eq!((toolchain.system.as_deref(), toolchain.processor.as_deref()), (Some("Linux"), Some("aarch64")));
    assert_eq!(toolchain.compiler.as_deref(), Some("/p/tc/../bin/aarch64-linux-gnu-gcc"));
    assert_eq!((toolchain.assembler, toolchain.sysroot.as_deref()), (None, Some("/opt/sdk/x")));
    assert_eq!(toolchain.cflags, ["-mcpu=cortex-a72", "-DNAME=\"a b\"", "-g0"]);
    assert_eq!(toolchain.ldflags, ["-Wl,-z,relro"]);
    assert_eq!(toolchain.tools, BTreeMap::from([("ar".to_owned(), "/p/tc/../bin/aarch64-linux-gnu-ar".to_owned())]));
}

#[test]
fn clang_and_lists() {
    let text = "set(CMAKE_C_COMPILER zig;cc)\nset(CMAKE_C_COMPILER_TARGET aarch64-linux-musl)\nset(CMAKE_C_FLAGS -O1)\n\
         set(CMAKE_C_FLAGS_INIT -O2)\nadd_compile_options(-fno-omit-frame-pointer)\nlist(APPEND E a b)\nset(CMAKE_SYSROOT ${E})";
    let toolchain = read(&[], text).unwrap();
    assert_eq!(toolchain.compiler.as_deref(), Some("zig"));
    assert_eq!(toolchain.cflags, ["cc", "--target=aarch64-linux-musl", "-O1", "-fno-omit-frame-pointer"]);
    assert_eq!((toolchain.target.as_deref(), toolchain.sysroot.as_deref()), (Some("aarch64-linux-musl"), Some("a;b")));
}

#[test]
fn branches_includes_and_programs() {
    let files = [
        ("/p/tc/common.cmake", "set(CMAKE_SYSTEM_NAME ${name})\nset(HERE ${CMAKE_CURRENT_LIST_FILE})"),
        ("/opt/sdk/bin/gcc", ""),
    ];
    let text = "set(name Linux)\ninclude(common.cmake)\ninclude(${CMAKE_CURRENT_LIST_DIR}/none.cmake OPTIONAL)\n\
         find_program(CC NAMES cc gcc HINTS $ENV{SDK}/bin)\nset(CMAKE_C_COMPILER ${CC})\n\
         if(CMAKE_HOST_SYSTEM_NAME MATCHES \"^(Windows|Darwin)$\")\n  set(CMAKE_SYSTEM_PROCESSOR wrong)\n\
         elseif(EXISTS /opt/sdk/bin/gcc AND (UNKNOWN OR 3.10 VERSION_GREATER 3.9))\n  set(CMAKE_SYSTEM_PROCESSOR right)\n\
         else()\n  if(1)\n message(FATAL_ERROR no)\n endif()\nendif()\nset(CMAKE_SYSROOT ${HERE})";
    let toolchain = read(&files, text).unwrap();
    assert_eq!(toolchain.processor.as_deref(), Some("right"));
    assert_eq!(toolchain.compiler.as_deref(), Some("/opt/sdk/bin/gcc"));
    assert_eq!(toolchain.sysroot.as_deref(), Some("/p/tc/common.cmake"));
    assert_eq!(toolchain.system.as_deref(), Some("Linux"));
}

#[test]
fn what_is_wrong_has_a_place() {
    let beyond = |text: &str| Fault::Beyond(text.to_owned());
    for (text, at, fault) in [
        ("set(A 1)\nexecute_process(COMMAND ls)", (2, 1), beyond("execute_process(COMMAND …)")),
        ("if(A MATCHES \"a.*b\")\nendif()", (1, 1), beyond("if(A MATCHES a.*b)")),
        ("include(CheckCCompilerFlag)", (1, 1), beyond("include(/p/tc/CheckCCompilerFlag)")),
        ("include(gone.cmake)", (1, 1), Fault::Absent("/p/tc/gone.cmake".to_owned())),
        ("  message(FATAL_ERROR \"set \" SDK)", (1, 3), Fault::Fatal("set SDK".to_owned())),
        ("set(A ${B)", (1, 1), Fault::Reference),
        ("if(A)\nset(A 1)", (2, 1), Fault::Unbalanced("if".to_owned())),
        ("endif()", (1, 1), Fault::Unbalanced("endif".to_owned())),
        ("set(A \"x)", (1, 7), Fault::Unterminated),
    ] {
        let error = read(&[], text).unwrap_err();
        assert_eq!(crate::error::line_column(text, error.span.start), at, "{text}");
        assert_eq!((error.fault, error.file.as_str()), (fault, "/p/tc/arm.cmake"), "{text}");
    }
    let nested = format!("set(A {}B{})", "${".repeat(100_000), "}".repeat(100_000));
    assert_eq!(read(&[], &nested).unwrap_err().fault, Fault::Nested);
    let nested = format!("if({}TRUE{})\nendif()", "( ".repeat(100_000), " )".repeat(100_000));
    assert_eq!(read(&[], &nested).unwrap_err().fault, Fault::Nested);
    let negated = format!("if({}TRUE)\nmessage(FATAL_ERROR so)\nendif()", "NOT ".repeat(100_000));
    assert_eq!(read(&[], &negated).unwrap_err().fault, Fault::Fatal("so".to_owned()));
    let circle = [("/p/tc/arm.cmake", "include(arm.cmake)")];
    assert_eq!(read(&circle, "include(arm.cmake)").unwrap_err().fault, Fault::TooDeep);
}

#[test]
fn a_build_directory() {
    let cache = "CMAKE_C_COMPILER:FILEPATH=/opt/x/bin/gcc\nCMAKE_C_FLAGS:STRING=-O2\nCMAKE_AR:FILEPATH=/opt/x/bin/ar\n\
         CMAKE_STRIP:FILEPATH=CMAKE_STRIP-NOTFOUND\nCMAKE_HOME_DIRECTORY:INTERNAL=/p\n";
    let system = "set(CMAKE_HOST_SYSTEM \"Linux-6.1\")\ninclude(\"/p/arm.cmake\")\nset(CMAKE_SYSTEM_NAME \"Linux\")\n\
         set(CMAKE_SYSTEM_PROCESSOR \"aarch64\")\nset(CMAKE_CROSSCOMPILING \"TRUE\")";
    let compiler = "set(CMAKE_C_COMPILER \"/opt/x/bin/gcc\")\nset(CMAKE_C_COMPILER_ARG1 \"-m64\")\n\
         if(CMAKE_COMPILER_IS_CYGWIN)\n  set(CYGWIN 1)\nendif()";
    let files = Files([("/p/arm.cmake", "set(CMAKE_SYSROOT /opt/sysroot)")].into());
    let configured = [("/p/b/s.cmake".to_owned(), system.to_owned()), ("/p/b/c.cmake".to_owned(), compiler.to_owned())];
    let toolchain = of_build(&files, cache, &configured, &HERE).unwrap();
    assert_eq!(toolchain.processor.as_deref(), Some("aarch64"));
    assert_eq!(toolchain.sysroot.as_deref(), Some("/opt/sysroot"));
    assert_eq!(toolchain.cflags, ["-m64", "-O2"]);
    assert_eq!(toolchain.tools.keys().collect::<Vec<_>>(), ["ar"]);
}

/// A toolchain file reads what was said on CMake's command line, and where its project is.
#[test]
fn a_build_directory_with_variables_of_its_own() {
    let cache = "SDK:UNINITIALIZED=/opt/sdk\nVENDOR:STRING=acme\nCMAKE_HOME_DIRECTORY:INTERNAL=/p\nCMAKE_BUILD_TYPE:STRING=Debug\n\
         CMAKE_CACHE_MAJOR_VERSION:INTERNAL=3\nCMAKE_CACHE_MINOR_VERSION:INTERNAL=25\nCMAKE_CACHE_PATCH_VERSION:INTERNAL=1\n";
    let text = "set(CMAKE_SYSROOT ${SDK}/sysroot)\nif(CMAKE_VERSION VERSION_LESS 3.20 OR NOT CMAKE_HOST_UNIX)\n\
         message(FATAL_ERROR old)\nendif()\nset(CMAKE_C_COMPILER ${CMAKE_SOURCE_DIR}/cc/${VENDOR}-gcc)\n\
         add_compile_options($<$<CONFIG:Debug>:-Og>)";
    let files = Files([("/p/arm.cmake", text)].into());
    let configured = [("/p/b/s.cmake".to_owned(), "include(\"/p/arm.cmake\")".to_owned())];
    let toolchain = of_build(&files, cache, &configured, &HERE).unwrap();
    assert_eq!(toolchain.sysroot.as_deref(), Some("/opt/sdk/sysroot"));
    assert_eq!(toolchain.compiler.as_deref(), Some("/p/cc/acme-gcc"));
    assert_eq!(toolchain.cflags, ["-Og"]);
}

/// Nothing is decided by what is not known, and nothing is said that depends on it.
#[test]
fn what_cmake_alone_knows() {
    for (text, at, beyond) in [
        (
            "if(CMAKE_VERSION VERSION_LESS 3.20)\nmessage(FATAL_ERROR old)\nendif()",
            1,
            "if(CMAKE_VERSION VERSION_LESS 3.20)",
        ),
        ("if(\"${CMAKE_VERSION}\" VERSION_LESS 3)\nendif()", 1, "if(${CMAKE_VERSION} VERSION_LESS 3)"),
        ("if(NOT CMAKE_GENERATOR)\nendif()", 1, "if(NOT CMAKE_GENERATOR)"),
        ("if(EXISTS ${CMAKE_SOURCE_DIR}/x)\nendif()", 1, "if(EXISTS ${CMAKE_SOURCE_DIR}/x)"),
        ("set(A 1)\nset(B ${CMAKE_SOURCE_DIR}/x)\nset(CMAKE_SYSROOT ${B})", 2, "${CMAKE_SOURCE_DIR}"),
        ("add_compile_options(-I${CMAKE_BINARY_DIR})", 1, "${CMAKE_BINARY_DIR}"),
        ("include(${CMAKE_ROOT}/x.cmake)", 1, "include(… ${CMAKE_ROOT} …)"),
        ("string(TOUPPER ${CMAKE_GENERATOR} X)", 1, "string(… ${CMAKE_GENERATOR} …)"),
        ("set(A ${${CMAKE_PROJECT_NAME}_X})", 1, "${${CMAKE_PROJECT_NAME}_X}"),
        ("get_filename_component(A x ABSOLUTE)", 1, "get_filename_component(A …)"),
        ("find_program(CC cc PATHS ${CMAKE_SOURCE_DIR})", 1, "find_program(… ${CMAKE_SOURCE_DIR} …)"),
        ("find_program(CC NAMES a cc NAMES_PER_DIR)", 1, "find_program(… NAMES_PER_DIR …)"),
        ("find_program(CC cc HINTS bin)", 1, "find_program(… bin …)"),
        ("set(CMAKE_SYSROOT /s)\nfind_program(CC cc)", 2, "find_program(…) with CMAKE_SYSROOT"),
        ("list(APPEND CMAKE_PREFIX_PATH /s)\nfind_program(CC cc)", 2, "find_program(…) with CMAKE_PREFIX_PATH"),
        ("set_property(DIRECTORY PROPERTY COMPILE_OPTIONS -a)", 1, "set_property(DIRECTORY …)"),
        ("include_directories(inc)", 1, "include_directories(inc)"),
    ] {
        let error = read(&[], text).unwrap_err();
        assert_eq!(error.fault, Fault::Beyond(beyond.to_owned()), "{text}");
        assert_eq!(crate::error::line_column(text, error.span.start).0, at, "{text}");
    }
    let harmless = "list(APPEND CMAKE_MODULE_PATH ${CMAKE_SOURCE_DIR}/cmake)\nmessage(STATUS ${CMAKE_VERSION})\n\
         set(CMAKE_C_FLAGS \"${CMAKE_C_FLAGS} -O1\")\nif(DEFINED CMAKE_VERSION AND NOT CMAKE_C_COMPILER)\n\
         set(CMAKE_C_COMPILER gcc)\nendif()\nset_property(GLOBAL PROPERTY X Y)";
    let toolchain = read(&[], harmless).unwrap();
    assert_eq!((toolchain.compiler.as_deref(), toolchain.cflags), (Some("gcc"), vec!["-O1".to_owned()]));
    let fatal = read(&[], "message(FATAL_ERROR ${CMAKE_VERSION})").unwrap_err();
    assert_eq!(fatal.fault, Fault::Fatal("${CMAKE_VERSION}".to_owned()));
}

#[test]
fn programs_are_found_where_cmake_finds_them() {
    let files = ["/usr/bin/gcc", "/opt/a/gcc", "/opt/b/bin/gcc", "/opt/b/gcc", "/usr/bin/x/cc", "/usr/bin/cc"];
    let files: Vec<_> = files.map(|path| (path, "")).into();
    for (words, found) in [
        ("gcc", "/usr/bin/gcc"),
        ("gcc /opt/a", "/usr/bin/gcc"),
        ("NAMES none gcc PATHS /opt/a", "/usr/bin/gcc"),
        ("gcc HINTS /opt/a", "/opt/a/gcc"),
        ("gcc HINTS ENV TOOLS REQUIRED", "/opt/a/gcc"),
        ("gcc HINTS /opt/b PATH_SUFFIXES bin", "/opt/b/bin/gcc"),
        ("gcc PATHS /opt/x/../b NO_DEFAULT_PATH", "/opt/b/gcc"),
        ("gcc NO_DEFAULT_PATH", "none"),
        ("cc PATH_SUFFIXES x NO_CMAKE_PATH DOC words", "/usr/bin/x/cc"),
        ("/opt/a/gcc", "/opt/a/gcc"),
    ] {
        let text = format!("find_program(CC {words})\nset(CMAKE_C_COMPILER ${{CC}})");
        let compiler = read(&files, &text).unwrap().compiler;
        assert_eq!(compiler.unwrap_or_else(|| "none".to_owned()), found, "{words}");
    }
    let real = "get_filename_component(CMAKE_C_COMPILER /link/a/gcc REALPATH)";
    assert_eq!(read(&files, real).unwrap().compiler.as_deref(), Some("/opt/a/gcc"));
}

#[test]
fn what_is_added_to_a_directory() {
    let text = "add_compile_options(-Wall \"$<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>\" $<$<COMPILE_LANGUAGE:C>:-a;-b>)\n\
         add_compile_options(-Wall \"SHELL:-x c\" \"-DS=\\\"a b\\\"\")\nadd_definitions(-DA \"-DB -march=x\")\n\
         add_compile_definitions(C=1 -DD)\ninclude_directories(/i)\nadd_link_options(-s LINKER:-z,defs \"LINKER:SHELL:-z now\")\n\
         link_directories(/l)\nlink_libraries(x -ly /z.a)\nset(CMAKE_EXE_LINKER_FLAGS -O1)\nset(CMAKE_C_STANDARD_LIBRARIES \"-latomic -lm\")";
    let toolchain = read(&[], text).unwrap();
    let cflags = ["-Wall", "-a", "-b", "-x", "c", "-DS=\"a b\"", "-DA", "-DB", "-march=x", "-DC=1", "-DD", "-I/i"];
    assert_eq!(toolchain.cflags, cflags);
    assert_eq!(toolchain.ldflags, ["-O1", "-s", "-Wl,-z,defs", "-Wl,-z,now", "-L/l"]);
    assert_eq!(toolchain.libraries, ["-lx", "-ly", "/z.a", "-latomic", "-lm"]);
    let error = read(&[], "add_compile_options($<$<C_COMPILER_ID:GNU>:-a>)").unwrap_err();
    assert_eq!(error.fault, Fault::Generator("$<C_COMPILER_ID:GNU>".to_owned()));
}

/// What CMake answers when it is asked has what was added as well.
#[test]
fn cmake_is_asked_for_what_is_added() {
    let project = probe("/a");
    for property in ["COMPILE_OPTIONS", "COMPILE_DEFINITIONS", "INCLUDE_DIRECTORIES", "LINK_OPTIONS", "LINK_LIBRARIES"]
    {
        assert!(project.contains(&format!("get_directory_property(value {property})")), "{property}");
    }
    let answer = "set(CMAKE_C_COMPILER [==[gcc]==])\nadd_definitions([==[-DX=1;-march=x;-DX=1]==])\n\
         add_compile_options([==[-a;$<$<COMPILE_LANGUAGE:C>:-b;-c>;-a]==])\n\
         add_compile_definitions([==[X=1]==])\ninclude_directories([==[/i;/j]==])\nadd_link_options([==[-s]==])\n";
    let toolchain = of_answer(answer).unwrap();
    assert_eq!(toolchain.cflags, ["-DX=1", "-march=x", "-a", "-b", "-c", "-I/i", "-I/j"]);
    assert_eq!((toolchain.ldflags, toolchain.libraries), (vec!["-s".to_owned()], Vec::new()));
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in r#"((set|if|endif|elseif|else|string|list|include)\(([a-zA-Z ";$={}()\\]|NOT |AND |MATCHES |STREQUAL )*\)\n?)*"#) {
        let _ = read(&[], &text);
    }
}
