//! Connecting to a server that is not there yet, or never will be.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use exec::remote::{Config, Fault, Mode, Remote, RemoteError};
use exec::store::Store;
use tonic::Code;
use tonic::transport::{Identity, ServerTlsConfig};

use super::impatient;
use super::server::{Do, Fake};

/// Whether a server is reached, how often it was told that it is waited for, and how long that took.
fn reach(config: &Config) -> (Result<Remote, RemoteError>, usize, Duration) {
    let home = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(&home.path().join("store")).unwrap());
    let (begun, told) = (Instant::now(), Mutex::new(0));
    let stop = Arc::new(AtomicBool::new(false));
    let remote = Remote::reach(&store, config, &stop, &|_| *told.lock().unwrap() += 1);
    (remote, told.into_inner().unwrap(), begun.elapsed())
}

#[test]
fn a_server_that_comes_is_waited_for() {
    let mut fake = Fake::start();
    let patient = Config { patience: Duration::from_secs(20), ..impatient(&fake.address()) };
    fake.kill();
    let (remote, told, _) = thread::scope(|scope| {
        let reached = scope.spawn(|| reach(&patient));
        thread::sleep(Duration::from_millis(300));
        fake.begin();
        reached.join().unwrap()
    });
    assert_eq!(told, 1);
    // What was hurried was the beginning alone.
    assert_eq!(remote.unwrap().config(), &patient);

    fake.plan("GetCapabilities", vec![Do::Refuse(Code::Unavailable, "starting"); 3]);
    reach(&patient).0.unwrap();
}

#[test]
fn a_server_that_does_not_come_is_given_up_and_a_cache_soon() {
    let mut fake = Fake::start();
    let patience = Duration::from_millis(500);
    fake.plan("GetCapabilities", vec![Do::Hang; 100]);
    let silent = Config { mode: Mode::Cache, ..impatient(&fake.address()) };
    let (remote, _, took) = reach(&silent);
    assert_eq!(remote.unwrap_err().fault(), Some(Fault::Unreachable));
    assert!(took < 10 * patience, "{took:?}");
    fake.kill();
    let (remote, told, took) = reach(&impatient(&fake.address()));
    assert!(matches!(remote, Err(RemoteError::Connect { .. })) && told == 1);
    assert!(took > patience / 2 && took < 10 * patience, "{took:?}");
    // However patient somebody is, what can be done without is not worth it.
    let patient = Config { mode: Mode::Hybrid, patience: Duration::from_secs(600), ..impatient(&fake.address()) };
    let (remote, _, took) = reach(&patient);
    assert!(remote.is_err() && took < Duration::from_secs(20), "{took:?}");
}

#[test]
fn a_server_that_is_another_is_told_at_once() {
    let key = rcgen::KeyPair::generate().unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap().self_signed(&key).unwrap();
    let identity = Identity::from_pem(certificate.pem(), key.serialize_pem());
    let fake = Fake::with(Some(ServerTlsConfig::new().identity(identity)));
    let patient = Config { patience: Duration::from_secs(600), ..impatient(&fake.address()) };
    let (remote, told, _) = reach(&patient);
    assert!(matches!(remote, Err(RemoteError::Connect { .. })) && told == 0);
}
