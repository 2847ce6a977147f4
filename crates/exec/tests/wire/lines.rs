//! Connections that die without a word, or have no room for one more.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use action::outcome::Status;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use exec::remote::Fault;
use wire::execution_stage::Value as At;

use super::Client;
use super::server::{Do, Fake, Step};

/// A way to a server, of which the connections can die: they stay, and nothing comes through.
struct Cable {
    at: SocketAddr,
    made: Arc<AtomicUsize>,
    dead: Arc<AtomicUsize>,
}

impl Cable {
    fn to(fake: &Fake) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (at, server) = (listener.local_addr().unwrap(), fake.at());
        let (made, dead) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (count, cut) = (Arc::clone(&made), Arc::clone(&dead));
        thread::spawn(move || {
            for here in listener.incoming() {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let (here, there) = (here.unwrap(), TcpStream::connect(server).unwrap());
                let back = (there.try_clone().unwrap(), here.try_clone().unwrap());
                for (from, to) in [(here, there), back] {
                    let dead = Arc::clone(&cut);
                    thread::spawn(move || carry(from, to, || dead.load(Ordering::SeqCst) > number));
                }
            }
        });
        Self { at, made, dead }
    }

    /// All connections that there are die.
    fn cut(&self) {
        self.dead.store(self.made.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    fn client(&self, fake: &Fake, change: impl FnOnce(&mut exec::remote::Config)) -> Client {
        Client::with(fake, |config| {
            config.address = format!("grpc://{}", self.at).parse().unwrap();
            change(config);
        })
    }
}

fn carry(mut from: TcpStream, mut to: TcpStream, is_dead: impl Fn() -> bool) {
    let mut buffer = vec![0; 1 << 16];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if !is_dead() && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    if !is_dead() {
        let _ = to.shutdown(std::net::Shutdown::Both);
    }
}

#[test]
fn a_connection_by_which_nothing_comes_is_replaced() {
    let fake = Fake::start();
    let cable = Cable::to(&fake);
    let client = cable.client(&fake, |config| {
        (config.silence, config.patience) = (Duration::from_millis(60), Duration::from_secs(5));
    });
    client.run().0.unwrap();
    fake.state().results.clear();
    cable.cut();
    assert_eq!(client.soon(|| client.run().0).unwrap().status, Status::Success);
    // One for calls and one for executions, each twice.
    assert!(cable.made.load(Ordering::SeqCst) >= 4);
}

#[test]
fn an_execution_whose_connection_is_dead_is_taken_up_again() {
    let fake = Fake::start();
    let cable = Cable::to(&fake);
    let client = cable.client(&fake, |config| {
        (config.silence, config.patience) = (Duration::from_millis(150), Duration::from_secs(5));
        config.ping = Duration::from_millis(20);
    });
    let told = |told| {
        if told == exec::remote::Told::At(exec::remote::Stage::Running) {
            cable.cut();
        }
    };
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Executing), Step::Hang])]);
    let action = client.action(b"input");
    assert_eq!(client.soon(|| client.remote.execute(&action, &told)).unwrap().status, Status::Success);
    assert_eq!(fake.calls("Execute"), 1);
    assert!(fake.calls("WaitExecution") >= 1);
}

#[test]
fn an_execution_that_says_nothing_over_a_connection_that_lives_is_left_alone() {
    let fake = Fake::start();
    let client = Client::with(&fake, |config| {
        (config.silence, config.ping) = (Duration::from_millis(200), Duration::from_millis(20));
    });
    fake.plan("Execute", [Do::Tell(vec![Step::At(At::Executing), Step::Wait(300), Step::Run])]);
    client.run().0.unwrap();
    assert_eq!((fake.calls("Execute"), fake.calls("WaitExecution")), (1, 0));
}

#[test]
fn a_server_that_takes_a_connection_and_says_nothing_is_given_up() {
    let fake = Fake::start();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let connect = Client::try_with(&fake, |config| {
        config.address = format!("grpcs://{}", listener.local_addr().unwrap()).parse().unwrap();
        config.silence = Duration::from_millis(50);
    });
    assert_eq!(connect.err().and_then(|error| error.fault()), Some(Fault::Unreachable));
}

#[test]
fn more_executions_than_a_connection_may_have_leave_room_for_other_calls() {
    // More than one connection's are underway at once, or none is answered.
    let number = 60;
    let fake = Fake::allowing(None, Some(55));
    let client = Client::with(&fake, |config| config.silence = Duration::from_secs(2));
    let together = || Do::Tell(vec![Step::At(At::Executing), Step::Until(number), Step::Run]);
    fake.plan("Execute", (0..number).map(|_| together()));
    let action = client.action(b"input");
    thread::scope(|scope| {
        let runs: Vec<_> = (0..number).map(|_| scope.spawn(|| client.remote.execute(&action, &|_| ()))).collect();
        for run in runs {
            assert_eq!(run.join().unwrap().unwrap().status, Status::Success);
        }
    });
    assert_eq!(fake.calls("Execute"), number);
}
