//! The keys of `bactrian.toml`, with what the reference says of each.
//!
//! Not here: reading them, which is by name ([`super`]); a test sees that every key here is read.

/// A key, for the reference.
pub(crate) struct Key {
    /// With its table, as in `run.bin`.
    pub(crate) name: &'static str,
    /// The option that says the same and goes before it.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference is made from it"))]
    pub(crate) option: &'static str,
    /// A value, as TOML.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference is made from it"))]
    pub(crate) example: &'static str,
    /// What it does.
    #[cfg_attr(not(test), expect(dead_code, reason = "only the reference is made from it"))]
    pub(crate) meaning: &'static str,
}

/// All keys, in the order of the reference.
pub(crate) const KEYS: &[Key] = &[
    Key {
        name: "targets",
        option: "--target",
        example: r#"["x86_64-linux-musl", "aarch64-linux-gnu.2.28"]"#,
        meaning: "What to build for.",
    },
    Key { name: "ocaml", option: "--ocaml", example: r#""5.3.0""#, meaning: "Version of OCaml to build with." },
    Key {
        name: "bytecode",
        option: "--bytecode",
        example: "true",
        meaning: "Where that OCaml has no native code for a target, make programs of byte code, with the runtime inside.",
    },
    Key {
        name: "repositories",
        option: "--repo",
        example: r#"["repo", "https://opam.example/index.tar.gz"]"#,
        meaning: "Opam repositories: directories, seen from the file, or URLs; a package of an earlier one hides those of \
                  later ones.",
    },
    Key {
        name: "mirrors",
        option: "--mirror",
        example: r#"["archives", "https://mirror.example/opam-cache"]"#,
        meaning: "Directories, seen from the file, or URLs with archives by checksum; asked in this order before any \
                  other origin.",
    },
    Key {
        name: "quirks",
        option: "--quirks",
        example: r#"["quirks.opam"]"#,
        meaning: "Files, seen from the file, that say how packages are built where their own opam files do not suffice.",
    },
    Key {
        name: "store",
        option: "--store",
        example: r#""/var/cache/bactrian""#,
        meaning: "Directory of the store, seen from the file.",
    },
    Key { name: "jobs", option: "--jobs", example: "4", meaning: "How many processes may work at once." },
    Key { name: "locked", option: "--locked", example: "true", meaning: "Never renew `bactrian.lock`." },
    Key { name: "offline", option: "--offline", example: "true", meaning: "Use no network." },
    Key {
        name: "output",
        option: "--output",
        example: r#""dist""#,
        meaning: "Where programs are put, in a directory per target; seen from the file.",
    },
    Key {
        name: "target.aarch64-linux-musl.runner",
        option: "--runner",
        example: r#""ssh:pi@kitchen""#,
        meaning: "Who runs the programs of the target whose name stands there: `native`, `qemu`, `wine`, `remote`, \
                  `ssh:[user@]host[:port]`, or a command, seen from the file, that is given the program and its arguments.",
    },
    Key {
        name: "cmake",
        option: "--cmake",
        example: r#""toolchain.cmake""#,
        meaning: "CMake toolchain file, or a configured CMake build directory, whose compiler is the C compiler of the target; \
                  seen from the file.",
    },
    Key {
        name: "toolchain.TARGET.cc",
        option: "",
        example: r#""/opt/x-tools/bin/aarch64-linux-gnu-gcc""#,
        meaning: "The target's C compiler: a path seen from the file, or a name in `PATH`. Its directory becomes part of \
                  everything that is built with it.",
    },
    Key {
        name: "toolchain.TARGET.cmake",
        option: "",
        example: r#""aarch64.cmake""#,
        meaning: "CMake toolchain file or build directory of the target; instead of `cc`.",
    },
    Key {
        name: "toolchain.TARGET.ndk",
        option: "",
        example: r#""/opt/android-ndk-r27c""#,
        meaning: "Directory of Android's NDK; instead of `cc`.",
    },
    Key {
        name: "toolchain.TARGET.api",
        option: "",
        example: "24",
        meaning: "The oldest API level of Android that programs are to run on; 21 if it is not said.",
    },
    Key {
        name: "toolchain.TARGET.sysroot",
        option: "",
        example: r#""sysroot""#,
        meaning: "Where the target's headers and libraries are, if the compiler does not know.",
    },
    Key {
        name: "toolchain.TARGET.cflags",
        option: "",
        example: r#"["-mcpu=cortex-a72"]"#,
        meaning: "Arguments of every compilation and link.",
    },
    Key {
        name: "toolchain.TARGET.asmflags",
        option: "",
        example: r#"["-Wa,--noexecstack"]"#,
        meaning: "Arguments of every assembly, if the compiler assembles.",
    },
    Key {
        name: "toolchain.TARGET.ldflags",
        option: "",
        example: r#"["-Wl,-z,relro"]"#,
        meaning: "Arguments of every link; from the first library on, after the objects.",
    },
    Key {
        name: "toolchain.TARGET.directories",
        option: "",
        example: r#"["/opt/sdk"]"#,
        meaning: "What else the compiler reads; absolute paths in flags lead there inside as well.",
    },
    Key {
        name: "toolchain.TARGET.ar",
        option: "",
        example: r#""llvm-ar""#,
        meaning: "Another program than the one beside the compiler; so are `as`, `dlltool`, `ld`, `nm`, `objcopy`, `objdump`, \
                  `ranlib`, `readelf`, `strip` and `windres`.",
    },
    Key {
        name: "remote.url",
        option: "--remote",
        example: r#""grpc://farm:8980""#,
        meaning: "Remote Execution engine or cache to build with: `grpc[s]://host:port[/instance]`.",
    },
    Key {
        name: "remote.mode",
        option: "--remote-mode",
        example: r#""hybrid""#,
        meaning: "What it is used for: `cache`, `execute` or `hybrid`.",
    },
    Key {
        name: "remote.jobs",
        option: "",
        example: "200",
        meaning: "How many actions are underway there at once; 64 if it is not said.",
    },
    Key {
        name: "remote.ca",
        option: "",
        example: r#""farm-ca.pem""#,
        meaning: "Authorities that the server's certificate may be of, instead of the usual ones; a file in PEM, seen from the file.",
    },
    Key {
        name: "remote.certificate",
        option: "",
        example: r#""client.pem""#,
        meaning: "This client's certificate, for servers that want one; with `remote.key`.",
    },
    Key { name: "remote.key", option: "", example: r#""client.key""#, meaning: "The key of `remote.certificate`." },
    Key {
        name: "remote.server-name",
        option: "",
        example: r#""farm.example""#,
        meaning: "The name in the server's certificate, if it is not that of the address.",
    },
    Key {
        name: "remote.token-file",
        option: "",
        example: r#""/run/secrets/farm""#,
        meaning: "A file with a bearer token. It is read again when the server no longer takes the token.",
    },
    Key {
        name: "remote.headers",
        option: "",
        example: r#"{ x-team = "compilers" }"#,
        meaning: "Further headers of every call.",
    },
    Key {
        name: "remote.platform",
        option: "",
        example: r#"{ OSFamily = "linux", ISA = "x86-64" }"#,
        meaning: "Platform properties of every action, by which the engine chooses workers.",
    },
    Key {
        name: "remote.target.TARGET.platform",
        option: "",
        example: r#"{ pool = "large" }"#,
        meaning: "Platform properties of actions that are made for that target, besides or instead of those; a glibc floor is no part \
                  of its name.",
    },
    Key {
        name: "remote.target.TARGET.run-platform",
        option: "",
        example: r#"{ ISA = "aarch64" }"#,
        meaning: "Platform properties of workers that run that target's programs with the runner `remote`, besides or instead of \
                  `remote.platform`.",
    },
    Key {
        name: "remote.patience",
        option: "",
        example: "300",
        meaning: "Seconds that an unreachable server is tried again; 120 if it is not said.",
    },
    Key {
        name: "remote.queue-timeout",
        option: "",
        example: "1800",
        meaning: "Seconds that actions may be queued without any of them being run; 600 if it is not said.",
    },
    Key { name: "run.bin", option: "--bin", example: r#""hello""#, meaning: "The program that `bactrian run` runs." },
];
