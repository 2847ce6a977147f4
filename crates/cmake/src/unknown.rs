//! What CMake knows while it reads a toolchain file, and nobody does here: its version, its generator, the project.
//!
//! Such a variable has a value that stands for itself. It may be handed on from variable to variable; where something is
//! decided by it, or the C toolchain would depend on it, CMake has to be asked ([`Fault::Beyond`](crate::error::Fault)).
//! Everything else that is not set here is not set there either: `CMAKE_C_FLAGS` is empty when the file is read.
//!
//! # Source
//! What CMake 3.25 lists by `get_cmake_property(… VARIABLES)` in a toolchain file; cmake-variables(7), "Variables that
//! Provide Information".

/// The variables.
pub(crate) const NAMES: &[&str] = &[
    "CMAKE_BINARY_DIR",
    "CMAKE_CACHEFILE_DIR",
    "CMAKE_CACHE_MAJOR_VERSION",
    "CMAKE_CACHE_MINOR_VERSION",
    "CMAKE_CACHE_PATCH_VERSION",
    "CMAKE_CFG_INTDIR",
    "CMAKE_COMMAND",
    "CMAKE_CPACK_COMMAND",
    "CMAKE_CTEST_COMMAND",
    "CMAKE_CURRENT_BINARY_DIR",
    "CMAKE_CURRENT_LIST_LINE",
    "CMAKE_CURRENT_SOURCE_DIR",
    "CMAKE_EDIT_COMMAND",
    "CMAKE_EXTRA_GENERATOR",
    "CMAKE_FILES_DIRECTORY",
    "CMAKE_FIND_PACKAGE_REDIRECTS_DIR",
    "CMAKE_GENERATOR",
    "CMAKE_GENERATOR_INSTANCE",
    "CMAKE_GENERATOR_PLATFORM",
    "CMAKE_GENERATOR_TOOLSET",
    "CMAKE_HOME_DIRECTORY",
    "CMAKE_HOST_SYSTEM",
    "CMAKE_HOST_SYSTEM_VERSION",
    "CMAKE_MAJOR_VERSION",
    "CMAKE_MAKE_PROGRAM",
    // What the last regular expression found.
    "CMAKE_MATCH_0",
    "CMAKE_MATCH_1",
    "CMAKE_MATCH_2",
    "CMAKE_MATCH_3",
    "CMAKE_MATCH_4",
    "CMAKE_MATCH_5",
    "CMAKE_MATCH_6",
    "CMAKE_MATCH_7",
    "CMAKE_MATCH_8",
    "CMAKE_MATCH_9",
    "CMAKE_MATCH_COUNT",
    "CMAKE_MINIMUM_REQUIRED_VERSION",
    "CMAKE_MINOR_VERSION",
    "CMAKE_PARENT_LIST_FILE",
    "CMAKE_PATCH_VERSION",
    "CMAKE_PLATFORM_INFO_DIR",
    "CMAKE_PROJECT_DESCRIPTION",
    "CMAKE_PROJECT_HOMEPAGE_URL",
    "CMAKE_PROJECT_NAME",
    "CMAKE_ROOT",
    "CMAKE_SOURCE_DIR",
    "CMAKE_TWEAK_VERSION",
    "CMAKE_UNAME",
    "CMAKE_VERSION",
    // Since 3.25.
    "CMAKE_HOST_LINUX",
    "LINUX",
    "PROJECT_BINARY_DIR",
    "PROJECT_NAME",
    "PROJECT_SOURCE_DIR",
];

/// No text of a file holds these.
const OPEN: char = '\u{1}';
const CLOSE: char = '\u{2}';

/// The value that stands for the variable's own.
pub(crate) fn value(name: &str) -> String {
    format!("{OPEN}{name}{CLOSE}")
}

/// The first variable that a text depends on and that is not known.
pub(crate) fn first(text: &str) -> Option<&str> {
    let (_, from) = text.split_once(OPEN)?;
    from.split(CLOSE).next()
}

/// The text as a person would write it.
pub(crate) fn shown(text: &str) -> String {
    text.replace(OPEN, "${").replace(CLOSE, "}")
}
