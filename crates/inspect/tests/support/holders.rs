//! Files that hold others: GNU archives, universal Mach-O files; and members of Windows import libraries.

/// A GNU archive, long names in the table of names.
pub(crate) fn archive(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = b"!<arch>\n".to_vec();
    let mut names = Vec::new();
    let mut name_fields = Vec::new();
    for (name, _) in members {
        if name.len() < 16 {
            name_fields.push(format!("{name}/"));
        } else {
            name_fields.push(format!("/{}", names.len()));
            names.extend_from_slice(format!("{name}/\n").as_bytes());
        }
    }
    if !names.is_empty() {
        member(&mut bytes, "//", &names);
    }
    for ((_, data), name) in members.iter().zip(name_fields) {
        member(&mut bytes, &name, data);
    }
    bytes
}

fn member(bytes: &mut Vec<u8>, name: &str, data: &[u8]) {
    let header = format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, 644, data.len());
    bytes.extend_from_slice(header.as_bytes());
    bytes.extend_from_slice(data);
    if data.len() % 2 == 1 {
        bytes.push(b'\n');
    }
}

/// A universal file; the processors in its table are not looked at by anyone here.
pub(crate) fn universal(slices: &[&[u8]]) -> Vec<u8> {
    let mut table = vec![0xcafe_babe, slices.len() as u32];
    let mut at = 8 + 20 * slices.len() as u32;
    for slice in slices {
        table.extend_from_slice(&[0, 0, at, slice.len() as u32, 0]);
        at += slice.len() as u32;
    }
    let mut bytes: Vec<u8> = table.iter().flat_map(|word: &u32| word.to_be_bytes()).collect();
    bytes.extend(slices.concat());
    bytes
}

/// One symbol of one DLL, for x86-64.
pub(crate) fn import_stub(dll: &str, symbol: &str) -> Vec<u8> {
    let names = format!("{symbol}\0{dll}\0");
    let mut bytes = vec![0, 0, 0xff, 0xff, 0, 0, 0x64, 0x86, 0, 0, 0, 0];
    bytes.extend_from_slice(&(names.len() as u32).to_le_bytes());
    // No hint; code, imported by name.
    bytes.extend_from_slice(&[0, 0, 4, 0]);
    bytes.extend_from_slice(names.as_bytes());
    bytes
}
