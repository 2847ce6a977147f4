//! Documents: what changes under its URL.

use std::sync::atomic::Ordering;

use super::server::{Server, cut, status};
use super::*;

const LIMIT: u64 = 1 << 20;

impl Lab {
    fn document(&self, url: &str, known: Option<&str>) -> Result<Document, Cause> {
        self.fetcher().document(url, known, &self.scratch().join("document"), LIMIT, &|_, _| {})
    }
}

/// Bytes and validator of a document that must be new.
fn new(document: Result<Document, Cause>) -> (Vec<u8>, Option<String>) {
    match document {
        Ok(Document::New { path, validator }) => (fs::read(path).unwrap(), validator),
        other => panic!("{other:?}"),
    }
}

#[test]
fn unchanged_by_tag_or_date() {
    for (header, asked_by) in [("ETag", "if-none-match"), ("Last-Modified", "if-modified-since")] {
        let server = Server::start(move |asked, number| match asked.headers.get(asked_by).map(String::as_str) {
            Some("W/\"1\"") if number < 2 => status("304 Not Modified", &[], b""),
            _ if number < 2 => status("200 OK", &[(header, "W/\"1\"")], b"first"),
            _ => status("200 OK", &[(header, "W/\"2\"")], b"second"),
        });
        let (lab, url) = (Lab::new(), server.url("/index"));
        let (bytes, validator) = new(lab.document(&url, None));
        assert_eq!(bytes, b"first");
        assert_eq!(lab.document(&url, validator.as_deref()), Ok(Document::Unchanged), "{header}");
        assert_eq!(new(lab.document(&url, validator.as_deref())).0, b"second");
    }
}

#[test]
fn nothing_to_show_the_next_time() {
    let server = Server::start(|_, _| status("200 OK", &[], b"body"));
    assert_eq!(new(Lab::new().document(&server.url("/"), None)), (b"body".to_vec(), None));
}

#[test]
fn broken_and_busy_servers_are_asked_again() {
    let server = Server::start(|_, number| match number {
        0 => status("503 Busy", &[("Retry-After", "0")], b""),
        1 => cut(status("200 OK", &[], &noise(5000)), 1000),
        _ => status("200 OK", &[], &noise(5000)),
    });
    assert_eq!(new(Lab::new().document(&server.url("/"), None)).0, noise(5000));
    assert_eq!(server.asked().len(), 3);
}

#[test]
fn what_cannot_be_had() {
    let server = Server::start(|asked, _| match asked.path.as_str() {
        "/absent" => status("404 Not Found", &[], b""),
        "/denied" => status("403 Forbidden", &[], b""),
        // Nobody asked on a condition, so this is no answer.
        "/confused" => status("304 Not Modified", &[], b""),
        _ => status("200 OK", &[], &vec![0; (LIMIT + 1).try_into().unwrap()]),
    });
    let mut lab = Lab::new();
    for (path, cause) in [
        ("/absent", Cause::NotFound),
        ("/denied", Cause::Status(403)),
        ("/confused", Cause::Status(304)),
        ("/large", Cause::TooLarge(LIMIT)),
    ] {
        assert_eq!(lab.document(&server.url(path), None), Err(cause), "{path}");
    }
    assert_eq!(lab.document("http://127.0.0.1:1/", None), Err(Cause::ConnectionRefused));
    lab.config.offline = true;
    assert_eq!(lab.document(&server.url("/"), None), Err(Cause::Offline));
    lab.config.offline = false;
    lab.config.stop.store(true, Ordering::Relaxed);
    assert_eq!(lab.document(&server.url("/"), None), Err(Cause::Stopped));
}

#[test]
fn files_of_this_machine_stay_where_they_are() {
    let mut lab = Lab::new();
    lab.config.offline = true;
    let file = lab.put("mirror", "index", b"first");
    let url = format!("file://{}", file.display());
    let (bytes, validator) = new(lab.document(&url, None));
    assert_eq!(bytes, b"first");
    assert_eq!(lab.document(&url, validator.as_deref()), Ok(Document::Unchanged));
    fs::write(&file, b"longer than the first").unwrap();
    assert_eq!(new(lab.document(&url, validator.as_deref())).0, b"longer than the first");
    fs::remove_file(&file).unwrap();
    assert_eq!(lab.document(&url, None), Err(Cause::NotFound));
    assert!(lab.left().is_empty());
}
