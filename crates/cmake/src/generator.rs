//! Generator expressions in what directories add to compilations and links, as they are for C.
//!
//! # Source
//! cmake-generator-expressions(7), version 3.25. Not here: those that speak of targets, files or the compiler's version.

use crate::condition::is_true;

/// Expressions in expressions deeper than this are nobody's.
const DEEPEST: usize = 16;
/// The language that is compiled and linked.
const LANGUAGE: &str = "C";

/// The text with its expressions evaluated.
///
/// # Errors
/// An expression that is not evaluated here.
pub(crate) fn evaluated(text: &str, build_type: &str) -> Result<String, String> {
    Evaluating { build_type, depth: DEEPEST }.text(text)
}

struct Evaluating<'b> {
    build_type: &'b str,
    depth: usize,
}

impl Evaluating<'_> {
    fn text(&self, text: &str) -> Result<String, String> {
        let mut done = String::new();
        let mut rest = text;
        while let Some((before, from)) = rest.split_once("$<") {
            let unknown = || format!("$<{from}");
            done.push_str(before);
            let end = closing(from).ok_or_else(unknown)?;
            let below = Evaluating { depth: self.depth.checked_sub(1).ok_or_else(unknown)?, ..*self };
            let expression = from.get(..end).unwrap_or_default();
            done.push_str(&below.expression(expression)?);
            rest = from.get(end + 1..).unwrap_or_default();
        }
        done.push_str(rest);
        Ok(done)
    }

    /// What is between `$<` and `>`.
    fn expression(&self, expression: &str) -> Result<String, String> {
        let at = outside(expression, ':');
        let head = self.text(at.and_then(|at| expression.get(..at)).unwrap_or(expression))?;
        let content = at.and_then(|at| expression.get(at + 1..));
        let holds = |holds: bool| Ok(if holds { "1" } else { "0" }.to_owned());
        let Some(content) = content else {
            return match head.as_str() {
                "CONFIG" => Ok(self.build_type.to_owned()),
                "COMPILE_LANGUAGE" | "LINK_LANGUAGE" => Ok(LANGUAGE.to_owned()),
                "COMMA" => Ok(",".to_owned()),
                "ANGLE-R" => Ok(">".to_owned()),
                _ => Err(format!("$<{expression}>")),
            };
        };
        if head == "0" {
            return Ok(String::new());
        }
        let content = self.text(content)?;
        let mut items = content.split(',');
        match head.as_str() {
            "1" => Ok(content),
            "COMPILE_LANGUAGE" | "LINK_LANGUAGE" => holds(items.any(|item| item == LANGUAGE)),
            "CONFIG" => holds(items.any(|item| item.eq_ignore_ascii_case(self.build_type))),
            "BOOL" => holds(is_true(&content)),
            "NOT" => holds(content == "0"),
            "AND" => holds(items.all(|item| item == "1")),
            "OR" => holds(items.any(|item| item == "1")),
            _ => Err(format!("$<{expression}>")),
        }
    }
}

/// Where the expression that began before `text` ends.
fn closing(text: &str) -> Option<usize> {
    outside(text, '>')
}

/// Where a character first is that is in no expression.
fn outside(text: &str, wanted: char) -> Option<usize> {
    let mut depth = 0_usize;
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        match c {
            c if c == wanted && depth == 0 => return Some(at),
            '<' if before == '$' => depth += 1,
            '>' => depth = depth.saturating_sub(1),
            _ => {}
        }
        before = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_are_those_of_c() {
        for (text, value) in [
            ("-a;-b", "-a;-b"),
            ("$<$<COMPILE_LANGUAGE:CXX>:-fno-rtti>", ""),
            ("$<$<COMPILE_LANGUAGE:C,CXX>:-a;-b>;-c", "-a;-b;-c"),
            ("$<$<NOT:$<COMPILE_LANGUAGE:CXX>>:-a>", "-a"),
            ("$<$<CONFIG:debug>:-g>x$<CONFIG>", "-gxDebug"),
            ("$<$<AND:$<BOOL:on>,$<OR:0,1>>:$<1:-a>>", "-a"),
            ("$<0:$<TARGET_FILE:x>>", ""),
        ] {
            assert_eq!(evaluated(text, "Debug"), Ok(value.to_owned()), "{text}");
        }
        for (text, unknown) in [
            ("-a $<C_COMPILER_VERSION>", "$<C_COMPILER_VERSION>"),
            ("$<$<C_COMPILER_ID:GNU>:-a>", "$<C_COMPILER_ID:GNU>"),
            ("$<1:-a", "$<1:-a"),
        ] {
            assert_eq!(evaluated(text, ""), Err(unknown.to_owned()), "{text}");
        }
        assert!(evaluated(&"$<1:".repeat(100_000), "").is_err());
    }
}
