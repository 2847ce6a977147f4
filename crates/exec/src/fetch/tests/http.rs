//! Downloads from a server that breaks, lies and dawdles.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Mutex;
use std::sync::atomic::Ordering;
use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::server::{Piece, Server, cut, status};
use super::*;

fn ranges(server: &Server) -> Vec<Option<String>> {
    server.asked().iter().map(|asked| asked.headers.get("range").cloned()).collect()
}

#[test]
fn a_whole_file_with_progress() {
    let lab = Lab::new();
    let body = noise(500_000);
    let served = body.clone();
    let server = Server::start(move |asked, _| asked.file(&served, "\"a\""));
    let told = Mutex::new(Vec::new());
    let wanted = source(&body, &[url(server.url("/x%20y.tgz?z"))]);
    let path = lab.fetcher().fetch(&wanted, &lab.scratch(), &|now, all| told.lock().unwrap().push((now, all))).unwrap();
    assert_eq!(fs::read(path).unwrap(), body);
    let told = told.into_inner().unwrap();
    assert!(told.is_sorted() && told.len() > 2, "{told:?}");
    assert_eq!((told[0].0, *told.last().unwrap()), (0, (500_000, Some(500_000))));
    let asked = server.asked();
    assert_eq!(asked[0].path, "/x%20y.tgz?z");
    assert_eq!(asked[0].headers["accept-encoding"], "identity");
    assert!(asked[0].headers["user-agent"].starts_with("bactrian/"));
}

#[test]
fn a_mirror_by_url_is_asked_in_opams_layout() {
    let mut lab = Lab::new();
    let wanted = source(b"right", &[]);
    let path = format!("/cache/{}", cache_path(&wanted));
    let known = path.clone();
    let server = Server::start(move |asked, _| match asked.path == known {
        true => asked.file(b"right", "\"a\""),
        false => status("404 Not Found", &[], b"nothing here"),
    });
    for root in ["/cache", "/cache/"] {
        lab.config.mirrors = vec![Mirror::parse(&server.url("/elsewhere")), Mirror::parse(&server.url(root))];
        assert_eq!(lab.fetch_bytes(&wanted), b"right");
        fs::remove_file(lab.scratch().join(wanted.hex())).unwrap();
    }
    assert_eq!(server.asked().len(), 4);
    assert_eq!(path.len(), "/cache/sha256/ab/".len() + 64);
}

#[test]
fn a_broken_connection_is_resumed() {
    let lab = Lab::new();
    let body = noise(400_000);
    let served = body.clone();
    let server = Server::start(move |asked, before| match before {
        0 => cut(asked.file(&served, "\"a\""), 150_000),
        1 => cut(asked.file(&served, "\"a\""), 100_000),
        _ => asked.file(&served, "\"a\""),
    });
    assert_eq!(lab.fetch_bytes(&source(&body, &[url(server.url("/f"))])), body);
    assert_eq!(ranges(&server), [None, Some("bytes=150000-".into()), Some("bytes=250000-".into())]);
    assert!(server.asked()[1..].iter().all(|asked| asked.headers["if-range"] == "\"a\""));
}

#[test]
fn a_later_run_takes_up_what_an_earlier_left() {
    let mut lab = Lab::new();
    lab.config.http.retries = 0;
    let body = noise(300_000);
    let served = body.clone();
    let server = Server::start(move |asked, before| match before {
        0 => cut(asked.file(&served, "\"a\""), 120_000),
        _ => asked.file(&served, "\"a\""),
    });
    let wanted = source(&body, &[url(server.url("/f"))]);
    assert_eq!(lab.causes(&wanted), [Cause::Truncated { got: 120_000, expected: Some(300_000) }]);
    assert_eq!(lab.left(), [format!("{}.from", wanted.hex()), format!("{}.part", wanted.hex())]);
    assert_eq!(lab.fetch_bytes(&wanted), body);
    assert_eq!(ranges(&server), [None, Some("bytes=120000-".into())]);
}

#[test]
fn getting_farther_is_no_failure() {
    let mut lab = Lab::new();
    lab.config.http.retries = 1;
    let body = noise(300_000);
    let served = body.clone();
    let server = Server::start(move |asked, _| cut(asked.file(&served, "\"a\""), 40_000));
    assert_eq!(lab.fetch_bytes(&source(&body, &[url(server.url("/f"))])), body);
    assert_eq!(server.asked().len(), 8);
}

#[test]
fn a_server_that_serves_a_range_in_parts() {
    let lab = Lab::new();
    let body = noise(100_000);
    let served = body.clone();
    let server = Server::start(move |asked, before| match before {
        0 => cut(asked.file(&served, "\"a\""), 30_000),
        1 => status("206 Partial Content", &[("Content-Range", "bytes 30000-59999/100000")], &served[30_000..60_000]),
        _ => asked.file(&served, "\"a\""),
    });
    assert_eq!(lab.fetch_bytes(&source(&body, &[url(server.url("/f"))])), body);
    assert_eq!(ranges(&server), [None, Some("bytes=30000-".into()), Some("bytes=60000-".into())]);
}

#[test]
fn only_strong_validators_are_sent_back() {
    let body = noise(100_000);
    let date = "Mon, 23 Nov 2026 06:40:00 GMT";
    for (headers, expected) in [
        (vec![("ETag", "\"a\""), ("Last-Modified", date)], Some("\"a\"")),
        (vec![("ETag", "W/\"a\""), ("Last-Modified", date)], Some(date)),
        (vec![("ETag", "W/\"a\"")], None),
        (vec![("ETag", "")], None),
        (vec![], None),
    ] {
        let lab = Lab::new();
        let served = body.clone();
        let server = Server::start(move |_, before| match before {
            0 => cut(status("200 OK", &headers, &served), 30_000),
            _ => status("206 Partial Content", &[("Content-Range", "bytes 30000-99999/100000")], &served[30_000..]),
        });
        assert_eq!(lab.fetch_bytes(&source(&body, &[url(server.url("/f"))])), body);
        assert_eq!(server.asked()[1].headers.get("if-range").map(String::as_str), expected);
    }
}

#[test]
fn threads_that_want_the_same_wait_for_each_other() {
    let lab = Lab::new();
    let server = Server::start(|asked, _| {
        let mut answer = asked.file(b"right", "\"a\"");
        answer.insert(1, Piece::Pause(Duration::from_millis(200)));
        answer
    });
    let wanted = source(b"right", &[url(server.url("/f"))]);
    let fetcher = lab.fetcher();
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| fetcher.fetch(&wanted, &lab.scratch(), &|_, _| {}).unwrap());
        }
    });
    assert_eq!(server.asked().len(), 1);
    assert_eq!(lab.left(), [wanted.hex()]);
}

#[test]
fn who_waited_in_vain_tries_alone() {
    let lab = Lab::new();
    let server = Server::start(|asked, before| {
        let mut answer = asked.file(if before == 0 { b"wrong" } else { b"right" }, "\"a\"");
        answer.insert(1, Piece::Pause(Duration::from_millis(if before == 0 { 300 } else { 0 })));
        answer
    });
    let wanted = source(b"right", &[url(server.url("/f"))]);
    thread::scope(|scope| {
        let first = scope.spawn(|| lab.fetch(&wanted));
        while server.asked().is_empty() {
            thread::sleep(Duration::from_millis(5));
        }
        let second = scope.spawn(|| lab.fetch(&wanted));
        assert!(matches!(first.join().unwrap().unwrap_err().attempts[0].cause, Cause::Mismatch { .. }));
        second.join().unwrap().unwrap();
    });
    assert_eq!(lab.left(), [wanted.hex()]);
}

#[test]
fn another_server_goes_on_where_the_first_broke() {
    let mut lab = Lab::new();
    lab.config.http.retries = 0;
    let body = noise(300_000);
    let (one, two) = (body.clone(), body.clone());
    let first = Server::start(move |asked, _| cut(asked.file(&one, "\"a\""), 40_000));
    let second = Server::start(move |asked, _| asked.file(&two, "\"b\""));
    let wanted = source(&body, &[url(first.url("/f")), url(second.url("/f"))]);
    assert_eq!(lab.fetch_bytes(&wanted), body);
    let asked = second.asked();
    assert_eq!(ranges(&second), [Some("bytes=40000-".into())]);
    assert!(!asked[0].headers.contains_key("if-range"), "the other server's tag says nothing here");
}

#[test]
fn a_server_without_ranges_begins_anew() {
    let lab = Lab::new();
    let body = noise(200_000);
    let served = body.clone();
    let server = Server::start(move |_, before| match before {
        0 => cut(status("200 OK", &[], &served), 90_000),
        _ => status("200 OK", &[], &served),
    });
    assert_eq!(lab.fetch_bytes(&source(&body, &[url(server.url("/f"))])), body);
    assert_eq!(ranges(&server), [None, Some("bytes=90000-".into())]);
}

#[test]
fn a_file_that_changed_meanwhile_begins_anew() {
    let lab = Lab::new();
    let (old, new) = (vec![b'o'; 200_000], noise(200_000));
    let served = new.clone();
    let server = Server::start(move |asked, before| match before {
        0 => cut(asked.file(&old, "\"old\""), 90_000),
        _ => asked.file(&served, "\"new\""),
    });
    assert_eq!(lab.fetch_bytes(&source(&new, &[url(server.url("/f"))])), new);
    assert_eq!(server.asked()[1].headers["if-range"], "\"old\"");
}

#[test]
fn a_wrong_beginning_is_found_out_and_fetched_again_once() {
    let lab = Lab::new();
    let body = noise(200_000);
    let served = body.clone();
    let server = Server::start(move |asked, _| asked.file(&served, "\"a\""));
    let wanted = source(&body, &[url(server.url("/f"))]);
    for (beginning, expected) in [
        (vec![0; 90_000], [Some("bytes=90000-"), None].as_slice()),
        // Longer than the file: the range cannot be had.
        (vec![0; 300_000], &[Some("bytes=300000-"), None]),
        (body[..90_000].to_vec(), &[Some("bytes=90000-")]),
    ] {
        let before = server.asked().len();
        fs::write(lab.scratch().join(format!("{}.part", wanted.hex())), beginning).unwrap();
        assert_eq!(lab.fetch_bytes(&wanted), body);
        assert_eq!(
            ranges(&server)[before..],
            expected.iter().map(|range| range.map(str::to_owned)).collect::<Vec<_>>()
        );
        fs::remove_file(lab.scratch().join(wanted.hex())).unwrap();
    }
}

#[test]
fn a_server_that_lies_about_ranges() {
    let lab = Lab::new();
    let body = noise(200_000);
    let served = body.clone();
    let server = Server::start(move |asked, before| match before {
        0 => cut(asked.file(&served, "\"a\""), 90_000),
        1 => status("206 Partial Content", &[("Content-Range", "bytes 5-199999/200000")], &served[5..]),
        2 => status("200 OK", &[], &served),
        _ => panic!("asked too often"),
    });
    assert_eq!(lab.fetch_bytes(&source(&body, &[url(server.url("/f"))])), body);
}

#[test]
fn wrong_bytes_are_refused_and_not_kept() {
    let lab = Lab::new();
    let server = Server::start(|asked, _| asked.file(b"wrong", "\"a\""));
    let wanted = source(b"right", &[url(server.url("/f"))]);
    assert_eq!(lab.causes(&wanted), [mismatch(&wanted, b"wrong")]);
    assert_eq!(lab.left(), [""; 0]);
    assert_eq!(server.asked().len(), 1, "what is wrong is not asked for again");
}

#[test]
fn refusals_are_told_apart() {
    let lab = Lab::new();
    for (line, cause, times) in [
        ("404 Not Found", Cause::NotFound, 1),
        ("410 Gone", Cause::NotFound, 1),
        ("403 Forbidden", Cause::Status(403), 1),
        ("503 Service Unavailable", Cause::Status(503), 5),
    ] {
        let server = Server::start(move |_, _| status(line, &[], b"sorry"));
        assert_eq!(lab.causes(&source(b"right", &[url(server.url("/f"))])), [cause], "{line}");
        assert_eq!(server.asked().len(), times, "{line}");
    }
}

#[test]
fn busy_servers_are_asked_again() {
    let lab = Lab::new();
    let server = Server::start(|asked, before| match before {
        0 => status("429 Too Many Requests", &[("Retry-After", "0")], b""),
        1 => status("500 Internal Server Error", &[("Retry-After", "soon")], b""),
        2 => Vec::new(),
        _ => asked.file(b"right", "\"a\""),
    });
    assert_eq!(lab.fetch_bytes(&source(b"right", &[url(server.url("/f"))])), b"right");
}

#[test]
fn redirects_keep_the_range() {
    let lab = Lab::new();
    let body = noise(100_000);
    let served = body.clone();
    let server = Server::start(move |asked, before| match asked.path.as_str() {
        "/from" => status("302 Found", &[("Location", "/to")], b""),
        "/to" if before < 2 => cut(asked.file(&served, "\"a\""), 30_000),
        "/to" => asked.file(&served, "\"a\""),
        _ => status("301 Moved Permanently", &[("Location", "/loop")], b""),
    });
    assert_eq!(lab.fetch_bytes(&source(&body, &[url(server.url("/from"))])), body);
    let second = Some("bytes=30000-".to_owned());
    assert_eq!(ranges(&server), [None, None, second.clone(), second]);
    let causes = lab.causes(&source(b"x", &[url(server.url("/loop"))]));
    assert!(matches!(&causes[..], [Cause::Protocol(_)]), "{causes:?}");
}

#[test]
fn compressed_on_the_way_is_what_the_checksum_says() {
    let lab = Lab::new();
    // A tarball that a server wrongly labels as a compressed transfer: the bytes are the file.
    let server = Server::start(|_, _| status("200 OK", &[("Content-Encoding", "gzip")], b"\x1f\x8bbytes"));
    assert_eq!(lab.fetch_bytes(&source(b"\x1f\x8bbytes", &[url(server.url("/f"))])), b"\x1f\x8bbytes");
}

#[test]
fn chunks_and_bodies_without_length() {
    let lab = Lab::new();
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n";
    let server = Server::start(move |asked, before| match asked.path.as_str() {
        "/chunks" if before == 0 => vec![Piece::Bytes(format!("{chunked}3\r\nrig\r\n").into_bytes())],
        "/chunks" => vec![Piece::Bytes(format!("{chunked}3\r\nrig\r\n2\r\nht\r\n0\r\n\r\n").into_bytes())],
        _ => vec![Piece::Bytes(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nuntil the end".to_vec())],
    });
    assert_eq!(lab.fetch_bytes(&source(b"right", &[url(server.url("/chunks"))])), b"right");
    fs::remove_dir_all(lab.scratch()).unwrap();
    fs::create_dir(lab.scratch()).unwrap();
    assert_eq!(lab.fetch_bytes(&source(b"until the end", &[url(server.url("/close"))])), b"until the end");
}

#[test]
fn a_stalled_server_times_out_and_is_resumed() {
    let mut lab = Lab::new();
    lab.config.http.stall = Duration::from_secs(1);
    let body = noise(100_000);
    let served = body.clone();
    let server = Server::start(move |asked, before| {
        let mut answer = asked.file(&served, "\"a\"");
        if before == 0 {
            answer = cut(answer, 60_000);
            answer.push(Piece::Pause(Duration::from_secs(60)));
        }
        answer
    });
    let begun = Instant::now();
    assert_eq!(lab.fetch_bytes(&source(&body, &[url(server.url("/f"))])), body);
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    assert_eq!(ranges(&server)[1], Some("bytes=60000-".into()));
}

#[test]
fn a_silent_server_times_out() {
    let mut lab = Lab::new();
    lab.config.http.retries = 1;
    lab.config.http.stall = Duration::from_millis(100);
    let server = Server::start(|_, _| vec![Piece::Pause(Duration::from_secs(60))]);
    let causes = lab.causes(&source(b"right", &[url(server.url("/f"))]));
    assert_eq!(causes, [Cause::Timeout(Duration::from_millis(100))]);
    server.wait_for(2);
}

#[test]
fn slow_is_not_stalled() {
    let mut lab = Lab::new();
    lab.config.http.stall = Duration::from_secs(2);
    let server = Server::start(|asked, _| {
        let mut answer = cut(asked.file(b"right", "\"a\""), 0);
        for byte in b"right" {
            answer.push(Piece::Bytes(vec![*byte]));
            answer.push(Piece::Pause(Duration::from_millis(500)));
        }
        answer
    });
    assert_eq!(lab.fetch_bytes(&source(b"right", &[url(server.url("/f"))])), b"right");
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn stopping_ends_a_download_at_once_and_keeps_its_part() {
    let lab = Lab::new();
    let server = Server::start(|asked, _| {
        let mut answer = cut(asked.file(&noise(100_000), "\"a\""), 60_000);
        answer.push(Piece::Pause(Duration::from_secs(60)));
        answer
    });
    let wanted = source(&noise(100_000), &[url(server.url("/f")), url("file:///never/asked")]);
    let begun = Instant::now();
    let stop = lab.config.stop.clone();
    let (told, heard) = mpsc::channel();
    let error = thread::scope(|scope| {
        scope.spawn(move || {
            heard.iter().find(|bytes| *bytes == 60_000);
            // By now the download waits for more, or will.
            thread::sleep(Duration::from_millis(50));
            stop.store(true, Ordering::Relaxed);
        });
        lab.fetcher().fetch(&wanted, &lab.scratch(), &move |now, _| told.send(now).unwrap_or_default()).unwrap_err()
    });
    assert!(begun.elapsed() < Duration::from_secs(15), "{:?}", begun.elapsed());
    assert!(error.stopped() && error.attempts.len() == 1, "{error:?}");
    assert_eq!(fs::metadata(lab.scratch().join(format!("{}.part", wanted.hex()))).unwrap().len(), 60_000);
}

#[test]
fn nobody_listens() {
    let lab = Lab::new();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let causes = lab.causes(&source(b"right", &[url(format!("http://{free}/")), url("http://host.invalid/")]));
    assert!(matches!(&causes[..], [Cause::ConnectionRefused, Cause::Unreachable(_)]), "{causes:?}");
}

#[test]
fn a_server_that_does_not_speak_tls_or_http() {
    let lab = Lab::new();
    let server = Server::start(|_, _| vec![Piece::Bytes(b"220 welcome to FTP\r\n".to_vec())]);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let plain = format!("https://{}/f", listener.local_addr().unwrap());
    thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(b"220 welcome to FTP\r\n").unwrap();
        stream.read_to_end(&mut Vec::new())
    });
    let wanted = source(b"right", &[url(server.url("/f")), url(plain)]);
    let causes = lab.causes(&wanted);
    assert!(matches!(&causes[..], [Cause::Protocol(_), Cause::Tls(_)]), "{causes:?}");
}

#[test]
fn proxies_are_used_unless_a_host_is_exempt() {
    let mut lab = Lab::new();
    let proxy = Server::start(|asked, _| match asked.path.starts_with("http://") {
        true => asked.file(b"by proxy", "\"a\""),
        false => status("200 OK", &[], b""),
    });
    let direct = Server::start(|asked, _| asked.file(b"direct", "\"a\""));
    lab.config.http.proxies.http = Some(proxy.url(""));
    let exempt = direct.url("/f");
    let origins = [url("http://host.invalid/f"), url(exempt)];
    lab.config.http.proxies.none = Some("elsewhere.invalid, 127.0.0.1".to_owned());
    assert_eq!(lab.fetch_bytes(&source(b"direct", &origins[1..])), b"direct");
    assert_eq!((proxy.asked().len(), direct.asked().len()), (0, 1));
    let causes = lab.causes(&source(b"neither", &origins));
    assert_eq!(causes.len(), 2);
    assert!(!proxy.asked().is_empty(), "{causes:?}");
}

#[test]
fn certificates_that_are_none() {
    let mut lab = Lab::new();
    lab.config.http.certificates = Some(lab.path("absent.pem"));
    let wanted = source(b"right", &[url("https://127.0.0.1:1/")]);
    assert!(matches!(&lab.causes(&wanted)[..], [Cause::Io { .. }]));
    lab.config.http.certificates = Some(lab.put("certificates", "empty.pem", b"no certificates"));
    assert!(matches!(&lab.causes(&wanted)[..], [Cause::Tls(_)]));
}
