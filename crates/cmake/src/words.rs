//! Flags as words: CMake keeps a command line in one string.

/// The words of a command line, quotes and backslashes as a shell reads them (`separate_arguments(UNIX_COMMAND)`).
#[must_use]
pub fn words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut chars = line.chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            (c, Some(open)) if c == open => quote = None,
            ('\\', None | Some('"')) => word.get_or_insert_default().extend(chars.next()),
            (c, Some(_)) => word.get_or_insert_default().push(c),
            ('\'' | '"', None) => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (c, None) if c.is_whitespace() => words.extend(word.take()),
            (c, None) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_a_shell() {
        assert_eq!(words(" -O2  -DX='a b' \"-I/x y\" -D\\\"q\\\" '' "), ["-O2", "-DX=a b", "-I/x y", "-D\"q\"", ""]);
        assert_eq!(words("  "), Vec::<String>::new());
    }
}
