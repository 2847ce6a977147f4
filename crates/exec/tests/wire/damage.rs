//! `Tree` messages that are not what they should be: a result with such a one is made again, whoever makes it.

use action::digest::BlobDigest;
use action::path::Name;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use action::tree::{Directory, Entry};
use exec::remote::{Mode, RemoteError};
use prost::Message as _;

use super::Client;
use super::graphs::{Machine, chain, engine};
use super::server::{Do, Fake, Step};

/// Gives all results of a server other `Tree` messages.
fn replace(fake: &Fake, message: &[u8]) {
    let mut state = fake.state();
    let digest = state.keep(message).to_wire();
    for result in state.results.values_mut() {
        result.output_directories[0].tree_digest = Some(digest.clone());
    }
}

/// Has a server keep other bytes as the `Tree` messages of all its results.
fn garble(fake: &Fake) {
    let mut state = fake.state();
    let trees: Vec<_> = state.results.values().map(|result| result.output_directories[0].tree_digest.clone()).collect();
    for tree in trees {
        let digest = BlobDigest::from_wire(&tree.unwrap()).unwrap();
        state.blobs.get_mut(&digest).unwrap().iter_mut().for_each(|byte| *byte ^= 1);
    }
}

/// A tree whose root names a directory that does not come with it.
fn incomplete(fake: &Fake) {
    let mut child = Directory::default();
    let digest = BlobDigest::of(b"somewhere else");
    child.insert(Name::new("file").unwrap(), Entry::File { digest, executable: false });
    let mut root = Directory::default();
    root.insert(Name::new("child").unwrap(), Entry::Directory(child.digest()));
    replace(fake, &wire::Tree { root: Some(root.to_wire()), children: Vec::new() }.encode_to_vec());
}

/// A tree with a child in another than the canonical form, and named by that.
fn not_canonical(fake: &Fake) {
    let file = |name: &str| wire::FileNode {
        name: name.to_owned(),
        digest: Some(BlobDigest::of(b"").to_wire()),
        ..wire::FileNode::default()
    };
    let child = wire::Directory { files: vec![file("b"), file("a")], ..wire::Directory::default() };
    let digest = BlobDigest::of(&child.encode_to_vec()).to_wire();
    let node = wire::DirectoryNode { name: "child".to_owned(), digest: Some(digest) };
    let root = wire::Directory { directories: vec![node], ..wire::Directory::default() };
    replace(fake, &wire::Tree { root: Some(root), children: vec![child] }.encode_to_vec());
}

/// A tree that this store cannot hold.
fn with_an_absolute_link(fake: &Fake) {
    let link = wire::SymlinkNode { name: "link".to_owned(), target: "/etc".to_owned(), ..wire::SymlinkNode::default() };
    let root = wire::Directory { symlinks: vec![link], ..wire::Directory::default() };
    replace(fake, &wire::Tree { root: Some(root), children: Vec::new() }.encode_to_vec());
}

fn no_message(fake: &Fake) {
    replace(fake, b"no message");
}

#[test]
fn a_result_whose_tree_is_damaged_is_none_and_made_again() {
    let damages = [garble as fn(&Fake), incomplete, not_canonical, with_an_absolute_link, no_message];
    // The last as a blob that is too large for a batch.
    for (most, damage) in damages.map(|damage| (0, damage)).into_iter().chain([(64, garble as fn(&Fake))]) {
        let fake = Fake::start();
        fake.cache_capabilities(|cache| cache.max_batch_total_size_bytes = most);
        Client::of(&fake).run().0.unwrap();
        damage(&fake);
        let client = Client::of(&fake);
        assert_eq!(client.remote.look_up(&client.action(b"input")).unwrap(), None);
        let outcome = client.run().0.unwrap_or_else(|error| panic!("{error:?}"));
        assert_eq!(client.read(outcome.output.unwrap(), "made"), b"by a worker");
        let asked: Vec<_> = fake.state().executed.iter().map(|(_, fresh)| *fresh).collect();
        assert_eq!(asked, [false, false, true], "with the cache, and then without");
    }
}

#[test]
fn a_worker_that_makes_no_tree_is_told() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let mut result = fake.state().result(&[]);
    let digest = fake.state().keep(b"no message").to_wire();
    result.output_directories[0].tree_digest = Some(digest);
    let response = wire::ExecuteResponse { result: Some(result), ..wire::ExecuteResponse::default() };
    fake.plan("Execute", [Do::Tell(vec![Step::Done(Box::new(response))])]);
    assert!(matches!(client.run().0, Err(RemoteError::Malformed("Tree"))));
}

#[test]
fn a_graph_goes_on_over_damaged_results() {
    let (graph, [_, two, _]) = chain();
    for (mode, damage) in [(Mode::Cache, incomplete as fn(&Fake)), (Mode::Execute, garble)] {
        let fake = engine();
        let makes = fake.state().makes.clone();
        Machine::new().with(&fake, Mode::Execute, &graph, &[two]).0.unwrap();
        damage(&fake);
        fake.state().makes = makes;
        let machine = Machine::new();
        let (report, ended) = machine.with(&fake, mode, &graph, &[two]);
        let report = report.unwrap_or_else(|error| panic!("{mode:?}: {error:?}"));
        assert_eq!(machine.read(&report, "two"), "one two", "{mode:?} {ended:?}");
        // Nor is the server given up for it.
        let asked = if mode == Mode::Cache { "UpdateActionResult" } else { "Execute" };
        assert!(fake.calls(asked) >= 2, "{:?}", fake.methods());
    }
}
