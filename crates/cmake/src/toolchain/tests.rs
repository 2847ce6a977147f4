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

    fn program(&self, name: &str, directories: &[String]) -> Option<String> {
        let all = directories.iter().map(String::as_str).chain(["/usr/bin"]);
        all.map(|directory| format!("{directory}/{name}")).find(|path| self.exists(path))
    }

    fn environment(&self, name: &str) -> Option<String> {
        (name == "SDK").then(|| "/opt/sdk".to_owned())
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
    let toolchain = of_build(&files, cache, &configured).unwrap();
    assert_eq!(toolchain.processor.as_deref(), Some("aarch64"));
    assert_eq!(toolchain.sysroot.as_deref(), Some("/opt/sysroot"));
    assert_eq!(toolchain.cflags, ["-m64", "-O2"]);
    assert_eq!(toolchain.tools.keys().collect::<Vec<_>>(), ["ar"]);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(text in r#"((set|if|endif|elseif|else|string|list|include)\(([a-zA-Z ";$={}()\\]|NOT |AND |MATCHES |STREQUAL )*\)\n?)*"#) {
        let _ = read(&[], &text);
    }
}
