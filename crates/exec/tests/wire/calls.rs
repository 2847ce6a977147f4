//! Every call: its headers, its token, its encryption; and what a server may refuse.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;

use action::digest::BlobDigest;
use action::outcome::CachedResult;
use exec::remote::config::Token;
use exec::remote::{Fault, Mode, RemoteError};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tonic::Code;
use tonic::transport::{Certificate, Identity, ServerTlsConfig};

use super::server::{Do, Fake};
use super::{Client, fault};

/// Has a client make every call there is.
fn every_call(fake: &Fake, client: &Client) {
    let large = vec![7; 4 << 20];
    let mut action = client.action(&large);
    client.remote.execute(&action, &|_| ()).unwrap();
    action.command.arguments.push("other".to_owned());
    let outcome = client.remote.execute(&action, &|_| ()).unwrap();
    let output = outcome.output.unwrap();
    client.remote.bring(output).unwrap();
    let tree = client.store.tree_message(output).unwrap();
    let empty = BlobDigest::of(b"");
    client.remote.publish(&action, &CachedResult { output, tree, stdout: empty, stderr: empty }).unwrap();
    client.remote.look_up(&action).unwrap().unwrap();
    // A stream down, and one that breaks on its way up.
    client.remote.try_storage(1).unwrap();
    fake.plan("Write", [Do::Part(1 << 20)]);
    client.remote.try_storage(2).unwrap();
}

#[test]
fn every_call_has_the_headers_and_the_token() {
    let fake = Fake::start();
    let client = Client::with(&fake, |config| {
        config.headers.insert("X-Farm".to_owned(), "blue".to_owned());
        config.token = Some(Token::Text("secret".to_owned()));
    });
    every_call(&fake, &client);
    assert_eq!(client.remote.traffic().calls(), fake.state().calls.len() as u64);
    let methods: Vec<_> = fake.methods().into_iter().collect();
    assert_eq!(
        methods,
        [
            "BatchReadBlobs",
            "BatchUpdateBlobs",
            "Execute",
            "FindMissingBlobs",
            "GetActionResult",
            "GetCapabilities",
            "QueryWriteStatus",
            "Read",
            "UpdateActionResult",
            "Write"
        ]
    );
    for (method, headers) in &fake.state().calls {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        assert_eq!(text("x-farm").as_deref(), Some("blue"), "{method}");
        assert_eq!(text("authorization").as_deref(), Some("Bearer secret"), "{method}");
        assert!(headers.get_bin("build.bazel.remote.execution.v2.requestmetadata-bin").is_some(), "{method}");
    }
}

#[test]
fn a_token_that_has_expired_is_read_again_once() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("token");
    fs::write(&file, "old\n").unwrap();
    let fake = Fake::start();
    fake.state().token = Some("old".to_owned());
    let client = Client::with(&fake, |config| config.token = Some(Token::File(file.clone())));
    client.run().0.unwrap();

    fake.state().token = Some("new".to_owned());
    fake.forget_calls();
    assert_eq!(fault(client.run().0), Some(Fault::Unauthenticated), "the file is as it was");
    assert_eq!(fake.state().calls.len(), 1, "nobody asks again with the same token");

    fs::write(&file, "wrong").unwrap();
    fake.forget_calls();
    assert_eq!(fault(client.run().0), Some(Fault::Unauthenticated));
    assert_eq!(fake.state().calls.len(), 2, "the file is read once, not again and again");

    fs::write(&file, "new").unwrap();
    client.run().0.unwrap();
    fs::write(&file, "newest").unwrap();
    fake.state().token = Some("newest".to_owned());
    fake.state().results.clear();
    client.run().0.unwrap();
}

#[test]
fn a_token_that_another_call_has_renewed_is_used() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("token");
    fs::write(&file, "old").unwrap();
    let fake = Fake::start();
    let client = Client::with(&fake, |config| config.token = Some(Token::File(file.clone())));
    fake.plan("FindMissingBlobs", [Do::RefuseLate(100, Code::Unauthenticated, "token has expired")]);
    let action = client.action(b"other");
    thread::scope(|scope| {
        let run = scope.spawn(|| client.run().0);
        while fake.calls("FindMissingBlobs") == 0 {
            thread::yield_now();
        }
        fs::write(&file, "new").unwrap();
        fake.state().token = Some("new".to_owned());
        client.remote.look_up(&action).unwrap();
        assert_eq!((fake.calls("GetActionResult"), fake.calls("FindMissingBlobs")), (2, 1));
        run.join().unwrap().unwrap();
    });
}

#[test]
fn a_token_expires_in_the_middle_of_an_upload() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("token");
    fs::write(&file, "new").unwrap();
    let fake = Fake::start();
    let client = Client::with(&fake, |config| config.token = Some(Token::File(file.clone())));
    fake.plan("Write", [Do::Refuse(Code::Unauthenticated, "token has expired")]);
    fs::write(&file, "newer").unwrap();
    client.remote.try_storage(3).unwrap();
    assert_eq!(fake.calls("Write"), 2);
}

#[test]
fn a_file_of_the_configuration_that_is_not_there_is_named() {
    let fake = Fake::start();
    let absent = PathBuf::from("/no/such/token");
    match Client::try_with(&fake, |config| config.token = Some(Token::File(absent.clone()))).err() {
        Some(RemoteError::File { path, .. }) => assert_eq!(path, absent),
        other => panic!("{other:?}"),
    }
    let bad = |config: &mut exec::remote::Config| {
        config.headers.insert("a header".to_owned(), "x".to_owned());
    };
    assert!(matches!(Client::try_with(&fake, bad).err(), Some(RemoteError::Header(name)) if name == "a header"));
}

#[test]
fn who_may_not_tell_results_goes_on_without() {
    for code in [Code::PermissionDenied, Code::Unimplemented] {
        let fake = Fake::start();
        let client = Client::of(&fake);
        fake.plan("UpdateActionResult", [Do::Refuse(code, "read only")]);
        let output = client.action(b"input").input_root;
        assert!(client.remote.takes_results());
        for key in [b"one", b"two"] {
            client.remote.publish_fact("unpack", key, output).unwrap();
        }
        assert!(!client.remote.takes_results());
        assert_eq!(fake.calls("UpdateActionResult"), 1, "once is enough");
    }
    let fake = Fake::start();
    fake.cache_capabilities(|cache| cache.action_cache_update_capabilities = None);
    let client = Client::of(&fake);
    client.remote.publish_fact("unpack", b"key", client.action(b"input").input_root).unwrap();
    assert_eq!(fake.state().calls.len(), 1, "it says so beforehand");
}

#[test]
fn what_a_server_cannot_do_is_said_when_connecting() {
    let fake = Fake::start();
    fake.state().capabilities.execution_capabilities = None;
    assert!(matches!(Client::try_with(&fake, |_| ()).err(), Some(RemoteError::NoExecution)));
    Client::with(&fake, |config| config.mode = Mode::Cache);
    fake.cache_capabilities(|cache| cache.digest_functions = vec![2]);
    let as_cache = Client::try_with(&fake, |config| config.mode = Mode::Cache);
    assert!(matches!(as_cache.err(), Some(RemoteError::NoSha256)));
    // A cache that knows nothing of capabilities.
    let fake = Fake::start();
    fake.plan("GetCapabilities", [Do::Refuse(Code::Unimplemented, "")]);
    assert!(Client::with(&fake, |config| config.mode = Mode::Cache).remote.takes_results());
}

/// Certificates of one authority, as files.
struct Authority {
    home: tempfile::TempDir,
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        fs::write(home.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { home, issuer }
    }

    fn ca(&self) -> PathBuf {
        self.home.path().join("ca.pem")
    }

    /// A certificate for `name` and its key.
    fn issue(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec![name.to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let at = |end: &str| self.home.path().join(format!("{name}.{end}"));
        fs::write(at("pem"), certificate.pem()).unwrap();
        fs::write(at("key"), key.serialize_pem()).unwrap();
        (at("pem"), at("key"))
    }

    fn server(&self, name: &str) -> ServerTlsConfig {
        let (certificate, key) = self.issue(name);
        ServerTlsConfig::new().identity(Identity::from_pem(read(&certificate), read(&key)))
    }
}

fn read(path: &Path) -> Vec<u8> {
    fs::read(path).unwrap()
}

#[test]
fn a_server_is_known_by_its_certificate() {
    let authority = Authority::new();
    let fake = Fake::with(Some(authority.server("127.0.0.1")));
    assert!(fake.address().starts_with("grpcs://"));
    let client = Client::with(&fake, |config| config.tls.ca = Some(authority.ca()));
    client.run().0.unwrap();
    // Of the usual authorities it is not.
    assert!(matches!(Client::try_with(&fake, |_| ()).err(), Some(RemoteError::Connect { .. })));
    let other = Authority::new();
    let wrong = Client::try_with(&fake, |config| config.tls.ca = Some(other.ca()));
    assert!(matches!(wrong.err(), Some(RemoteError::Connect { .. })));
}

#[test]
fn a_certificate_for_another_name_needs_that_name() {
    let authority = Authority::new();
    let fake = Fake::with(Some(authority.server("farm.example")));
    let connect = |name: Option<&str>| {
        Client::try_with(&fake, |config| {
            config.tls.ca = Some(authority.ca());
            config.tls.name = name.map(str::to_owned);
        })
    };
    assert!(matches!(connect(None).err(), Some(RemoteError::Connect { .. })));
    connect(Some("farm.example")).unwrap_or_else(|error| panic!("{error:?}")).run().0.unwrap();
}

#[test]
fn a_client_is_known_by_its_certificate() {
    let authority = Authority::new();
    let clients = Authority::new();
    let ca = Certificate::from_pem(read(&clients.ca()));
    let fake = Fake::with(Some(authority.server("127.0.0.1").client_ca_root(ca)));
    let connect = |client: Option<(PathBuf, PathBuf)>| {
        Client::try_with(&fake, |config| {
            config.tls.ca = Some(authority.ca());
            config.tls.client = client;
        })
    };
    connect(Some(clients.issue("client"))).unwrap_or_else(|error| panic!("{error:?}")).run().0.unwrap();
    let forged = Authority::new().issue("client");
    for wrong in [None, Some(authority.issue("client")), Some(forged)] {
        assert!(connect(wrong.clone()).is_err(), "{wrong:?}");
    }
    let absent = PathBuf::from("/no/such/client.pem");
    assert!(matches!(connect(Some((absent.clone(), absent))).err(), Some(RemoteError::File { .. })));
}
