//! A web server on 127.0.0.1 that behaves as badly as a test wants it to.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A request as it came.
#[derive(Debug, Clone)]
pub(super) struct Asked {
    pub(super) path: String,
    pub(super) headers: BTreeMap<String, String>,
}

/// What is sent, in order; then the connection is closed.
pub(super) enum Piece {
    Bytes(Vec<u8>),
    Pause(Duration),
}

pub(super) struct Server {
    address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
    over: Arc<AtomicBool>,
}

impl Server {
    /// Serves with `answer`, which gets each request and how many came before it.
    pub(super) fn start(answer: impl Fn(&Asked, usize) -> Vec<Piece> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let (asked, over) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicBool::new(false)));
        let (all, ended, answer) = (Arc::clone(&asked), Arc::clone(&over), Arc::new(answer));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok).take_while(|_| !ended.load(Ordering::Relaxed)) {
                let (all, answer) = (Arc::clone(&all), Arc::clone(&answer));
                thread::spawn(move || serve(stream, &all, &*answer));
            }
        });
        Self { address, asked, over }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Waits until so many requests have been read; a client may give up before its request is.
    pub(super) fn wait_for(&self, requests: usize) {
        for _ in 0..2000 {
            if self.asked().len() >= requests {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        panic!("{} requests instead of {requests}", self.asked().len());
    }

    pub(super) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut stream: TcpStream, all: &Mutex<Vec<Asked>>, answer: &dyn Fn(&Asked, usize) -> Vec<Piece>) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let Some(first) = lines.next() else { return };
    let path = first.split(' ').nth(1).unwrap_or_default().to_owned();
    let headers = lines.take_while(|line| !line.is_empty()).filter_map(|line| {
        let (name, value) = line.split_once(':')?;
        Some((name.to_ascii_lowercase(), value.trim().to_owned()))
    });
    let asked = Asked { path, headers: headers.collect() };
    let before = {
        let mut all = all.lock().unwrap();
        all.push(asked.clone());
        all.len() - 1
    };
    for piece in answer(&asked, before) {
        match piece {
            Piece::Pause(time) => thread::sleep(time),
            // The client may have gone.
            Piece::Bytes(bytes) => {
                if stream.write_all(&bytes).is_err() {
                    return;
                }
            }
        }
    }
}

impl Asked {
    /// Answers as a file server that knows ranges does.
    pub(super) fn file(&self, body: &[u8], etag: &str) -> Vec<Piece> {
        let same = self.headers.get("if-range").is_none_or(|tag| tag == etag);
        let start =
            self.headers.get("range").filter(|_| same).map(|range| {
                range.strip_prefix("bytes=").unwrap().strip_suffix('-').unwrap().parse::<usize>().unwrap()
            });
        match start {
            Some(start) if start >= body.len() => status("416 Range Not Satisfiable", &[], b""),
            Some(start) => {
                let range = format!("bytes {start}-{}/{}", body.len() - 1, body.len());
                status("206 Partial Content", &[("Content-Range", &range), ("ETag", etag)], &body[start..])
            }
            None => status("200 OK", &[("ETag", etag)], body),
        }
    }
}

/// A whole answer.
pub(super) fn status(line: &str, headers: &[(&str, &str)], body: &[u8]) -> Vec<Piece> {
    let headers: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let head = format!("HTTP/1.1 {line}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    vec![Piece::Bytes(head.into_bytes()), Piece::Bytes(body.to_vec())]
}

/// The same answer, but the connection breaks after so many bytes of the body.
pub(super) fn cut(mut answer: Vec<Piece>, after: usize) -> Vec<Piece> {
    if let Some(Piece::Bytes(body)) = answer.last_mut() {
        body.truncate(after);
    }
    answer
}
