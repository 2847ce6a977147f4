//! Blobs on their way: no more in a call than the server takes, streams taken up where they broke, nothing unverified.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use action::digest::{BlobDigest, DirDigest};
use action::outcome::CachedResult;
use action::remote_apis::build::bazel::remote::execution::v2 as wire;
use exec::remote::{Fault, RemoteError};
use tonic::Code;

use super::server::{Do, Fake};
use super::{Client, fault};

type Files = BTreeMap<String, Vec<u8>>;

/// Bytes that do not compress well, and differ by `seed`.
fn noise(seed: usize, length: usize) -> Vec<u8> {
    let blocks =
        (0..length.div_ceil(32)).flat_map(|block| *BlobDigest::of(format!("{seed} {block}").as_bytes()).hash());
    blocks.take(length).collect()
}

fn many(number: usize, length: usize) -> Files {
    (0..number).map(|number| (format!("file-{number}"), noise(number, length))).collect()
}

fn ingest(client: &Client, files: &Files) -> DirDigest {
    let scratch = client.store.scratch().unwrap();
    let tree = scratch.path().join("tree");
    std::fs::create_dir(&tree).unwrap();
    for (name, contents) in files {
        std::fs::write(tree.join(name), contents).unwrap();
    }
    client.store.ingest(&tree).unwrap()
}

/// Tells the server of files as the result of an action.
fn publish(client: &Client, files: &Files) -> Result<(), RemoteError> {
    let output = ingest(client, files);
    let (tree, empty) = (client.store.tree_message(output).unwrap(), BlobDigest::of(b""));
    let result = CachedResult { output, tree, stdout: empty, stderr: empty };
    client.remote.publish(&client.action(b"input"), &result)
}

/// Asks for that result, and brings it.
fn fetch(client: &Client) -> Result<Files, RemoteError> {
    let tree = client.remote.look_up(&client.action(b"input"))?.expect("a result");
    client.remote.bring(tree)?;
    let checkout = client.store.checkout(tree).unwrap();
    let files = std::fs::read_dir(checkout).unwrap().map(|entry| {
        let entry = entry.unwrap();
        (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap())
    });
    Ok(files.collect())
}

#[test]
fn no_call_holds_more_than_the_server_takes_and_none_is_for_one_blob() {
    let fake = Fake::start();
    let most = 64 << 10;
    fake.cache_capabilities(|cache| cache.max_batch_total_size_bytes = most);
    let mut files = many(100, 10_000);
    files.insert("large".to_owned(), noise(1000, 200_000));
    let most = usize::try_from(most).unwrap();
    let client = Client::of(&fake);
    publish(&client, &files).unwrap();
    let sent = std::mem::take(&mut fake.state().batches);
    assert!(sent.iter().all(|bytes| *bytes <= most), "{sent:?}");
    // Six to a call, and a little for the messages.
    assert!(sent.len() <= 100_usize.div_ceil(6) + 1, "{sent:?}");
    assert_eq!((fake.calls("Write"), fake.calls("FindMissingBlobs")), (1, 1));

    let other = Client::of(&fake);
    assert_eq!(fetch(&other).unwrap(), files);
    let received = std::mem::take(&mut fake.state().batches);
    assert!(received.iter().all(|bytes| *bytes <= most), "{received:?}");
    assert!(received.len() <= 100_usize.div_ceil(6) + 1, "{received:?}");
    assert_eq!(fake.calls("Read"), 1);
    assert!(other.remote.traffic().received() > 1_200_000);
}

#[test]
fn what_the_server_has_is_not_sent() {
    let fake = Fake::start();
    let files = many(10, 1000);
    let one = Client::of(&fake);
    publish(&one, &files).unwrap();
    let sent = one.remote.traffic().sent();
    assert!(sent > 10_000);
    publish(&one, &files).unwrap();
    assert_eq!(one.remote.traffic().sent(), sent);
    let other = Client::of(&fake);
    publish(&other, &files).unwrap();
    assert_eq!(other.remote.traffic().sent(), 0);
}

#[test]
fn a_batch_has_time_to_be_on_its_way() {
    let fake = Fake::start();
    let files = many(10, 10_000);
    let slow = |config: &mut exec::remote::Config| config.silence = Duration::from_millis(200);
    // Of 100 kB on a slow line 0.8 s are no silence. The first that is read is a directory.
    fake.plan("BatchUpdateBlobs", [Do::Late(400)]);
    fake.plan("BatchReadBlobs", [Do::Late(0), Do::Late(400)]);
    publish(&Client::with(&fake, slow), &files).unwrap();
    assert_eq!(fetch(&Client::with(&fake, slow)).unwrap(), files);
    assert_eq!((fake.calls("BatchUpdateBlobs"), fake.calls("BatchReadBlobs")), (1, 2));
}

#[test]
fn batches_are_compressed_where_the_server_offers_it() {
    let zstd = wire::compressor::Value::Zstd;
    let files: Files = [("text".to_owned(), b"hello ".repeat(10_000)), ("small".to_owned(), b"x".to_vec())].into();
    let mut sent = Vec::new();
    for offered in [false, true] {
        let fake = Fake::start();
        if offered {
            fake.cache_capabilities(|cache| {
                cache.supported_compressors.push(zstd.into());
                cache.supported_batch_update_compressors.push(zstd.into());
            });
        }
        let client = Client::of(&fake);
        publish(&client, &files).unwrap();
        sent.push(client.remote.traffic().sent());
        // Small ones are not worth it.
        assert_eq!(fake.state().compressed, usize::from(offered));
        assert_eq!(fetch(&Client::of(&fake)).unwrap(), files);
        assert_eq!(fake.state().compressed > 1, offered);
    }
    assert!(sent[0] > 60_000 && sent[1] < sent[0] / 10, "{sent:?}");
}

#[test]
fn a_broken_upload_goes_on_where_it_was() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let files: Files = [("large".to_owned(), noise(1, 6 << 20))].into();
    fake.plan("Write", [Do::Part(3_500_000), Do::Part(5_000_000)]);
    publish(&client, &files).unwrap();
    assert_eq!(fake.state().offsets, [("Write", 0), ("Write", 3_500_000), ("Write", 5_000_000)]);
    assert_eq!((fake.calls("Write"), fake.calls("QueryWriteStatus")), (3, 2));
    let sent = client.remote.traffic().sent();
    assert!((6 << 20..(6 << 20) + 1000).contains(&sent), "each byte once: {sent}");
    assert_eq!(fake.state().blobs[&BlobDigest::of(&files["large"])], files["large"]);
}

#[test]
fn an_upload_that_the_server_has_forgotten_begins_anew() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let files: Files = [("large".to_owned(), noise(1, 4 << 20))].into();
    fake.plan("Write", [Do::Part(2_000_000)]);
    fake.plan("QueryWriteStatus", [Do::Refuse(Code::NotFound, "no such upload")]);
    publish(&client, &files).unwrap();
    assert_eq!(fake.state().offsets, [("Write", 0), ("Write", 0)]);
}

#[test]
fn an_upload_that_never_moves_is_given_up() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let files: Files = [("large".to_owned(), noise(1, 4 << 20))].into();
    fake.plan("Write", vec![Do::Part(0); 1000]);
    assert_eq!(fault(publish(&client, &files)), Some(Fault::Unreachable));
    assert!(fake.state().results.is_empty(), "nothing is told before it is there");
}

#[test]
fn an_upload_that_is_forgotten_and_comes_as_far_again_is_given_up() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let files: Files = [("large".to_owned(), noise(1, 4 << 20))].into();
    fake.plan("Write", vec![Do::Part(2_000_000); 1000]);
    // Every other time.
    let forgets =
        (0..1000).map(|time| if time % 2 == 0 { Do::Late(0) } else { Do::Refuse(Code::NotFound, "no such upload") });
    fake.plan("QueryWriteStatus", forgets);
    assert_eq!(fault(publish(&client, &files)), Some(Fault::Unreachable));
}

#[test]
fn a_server_that_says_nothing_of_an_upload_does_not_hold_it_up() {
    let fake = Fake::start();
    let client = Client::with(&fake, |config| config.silence = Duration::from_millis(300));
    let files: Files = [("large".to_owned(), noise(1, 4 << 20))].into();
    fake.plan("Write", [Do::Part(2_000_000)]);
    fake.plan("QueryWriteStatus", [Do::Hang]);
    client.soon(|| publish(&client, &files)).unwrap();
    assert_eq!(fake.state().offsets, [("Write", 0), ("Write", 0)]);
}

#[test]
fn an_upload_of_which_nothing_is_taken_is_silent_and_one_that_is_slow_is_not() {
    let upload = |silence, length, plan| {
        let fake = Fake::start();
        let client = Client::with(&fake, |config| config.silence = Duration::from_millis(silence));
        let files: Files = [("large".to_owned(), noise(1, length))].into();
        fake.plan("Write", [plan]);
        client.soon(|| publish(&client, &files)).unwrap();
        fake.calls("Write")
    };
    assert!(upload(100, 4 << 20, Do::Hang) > 1);
    // Longer than that in all.
    assert_eq!(upload(800, 9 << 20, Do::Slow(120)), 1);
}

#[test]
fn a_broken_download_goes_on_where_it_was() {
    let fake = Fake::start();
    let files: Files = [("large".to_owned(), noise(1, 6 << 20))].into();
    publish(&Client::of(&fake), &files).unwrap();
    fake.state().offsets.clear();
    fake.plan("Read", [Do::Part(1_000_000), Do::Part(2_500_000)]);
    assert_eq!(fetch(&Client::of(&fake)).unwrap(), files);
    assert_eq!(fake.state().offsets, [("Read", 0), ("Read", 1_000_000), ("Read", 3_500_000)]);
}

#[test]
fn other_bytes_than_those_asked_for_count_as_lost() {
    for (method, length) in [("BatchReadBlobs", 1000), ("Read", 4 << 20)] {
        let fake = Fake::start();
        let files: Files = [("file".to_owned(), noise(1, length))].into();
        publish(&Client::of(&fake), &files).unwrap();
        let client = Client::of(&fake);
        let tree = client.remote.look_up(&client.action(b"input")).unwrap().unwrap();
        fake.plan(method, [Do::Garble]);
        let digest = BlobDigest::of(&files["file"]);
        match client.remote.bring(tree).unwrap_err() {
            RemoteError::Lost(lost) => assert_eq!(lost, [digest]),
            other => panic!("{other:?}"),
        }
        assert!(!client.store.has(digest) && !client.store.has(tree.as_blob()));
        // From now on the result is not believed.
        assert_eq!(client.remote.look_up(&client.action(b"input")).unwrap(), None);
    }
}

#[test]
fn a_garbled_tree_is_no_result() {
    // In a batch; alone, since the batch failed; as a stream, since it is no small one there.
    for (most, plans) in [
        (0, vec![("BatchReadBlobs", Do::Garble)]),
        (0, vec![("BatchReadBlobs", Do::Part(0)), ("Read", Do::Garble)]),
        (64, vec![("Read", Do::Garble)]),
    ] {
        let fake = Fake::start();
        fake.cache_capabilities(|cache| cache.max_batch_total_size_bytes = most);
        publish(&Client::of(&fake), &many(1, 10)).unwrap();
        let client = Client::of(&fake);
        for (method, plan) in plans {
            fake.plan(method, [plan]);
        }
        assert_eq!(client.remote.look_up(&client.action(b"input")).unwrap(), None);
        // The next time it is what it should be.
        assert_eq!(fetch(&client).unwrap(), many(1, 10));
    }
}

#[test]
fn a_result_whose_tree_is_gone_is_none() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    let files = many(1, 10);
    publish(&client, &files).unwrap();
    let message = client.store.tree_message(ingest(&client, &files)).unwrap();
    fake.state().blobs.remove(&message);
    let other = Client::of(&fake);
    assert_eq!(other.remote.look_up(&other.action(b"input")).unwrap(), None);
}

#[test]
fn a_blob_that_fails_in_a_batch_is_tried_alone() {
    let fake = Fake::start();
    let client = Client::of(&fake);
    fake.plan("BatchUpdateBlobs", [Do::Part(0)]);
    publish(&client, &many(3, 1000)).unwrap();
    // All of the batch was refused, one by one; each went as a stream.
    assert!(fake.calls("Write") >= 3);
    assert_eq!(fetch(&Client::of(&fake)).unwrap(), many(3, 1000));
}

/// Bytes of which streams become about half as long.
fn text(seed: usize, length: usize) -> Vec<u8> {
    let line = |line: usize| format!("{seed}: line {line} {}\n", BlobDigest::of(&line.to_le_bytes()).hex());
    (0..).flat_map(|number| line(number).into_bytes()).take(length).collect()
}

/// A server that takes and sends streams by zstd.
fn packing() -> Fake {
    let fake = Fake::start();
    fake.cache_capabilities(|cache| cache.supported_compressors.push(wire::compressor::Value::Zstd.into()));
    fake
}

#[test]
fn streams_are_compressed_where_the_server_offers_it() {
    let files: Files = [("text".to_owned(), text(1, 6 << 20)), ("noise".to_owned(), noise(1, 5 << 20))].into();
    let mut moved = Vec::new();
    for fake in [Fake::start(), packing()] {
        let (here, there) = (Client::of(&fake), Client::of(&fake));
        publish(&here, &files).unwrap();
        // What hardly becomes smaller is sent as it is.
        let packed = fake.state().compressed;
        assert_eq!(fetch(&there).unwrap(), files);
        moved.push((packed, here.remote.traffic().sent(), there.remote.traffic().received()));
    }
    let [(0, sent, received), (1, less_sent, less_received)] = moved[..] else { panic!("{moved:?}") };
    assert!(sent > 11 << 20 && less_sent < sent - (1 << 20) && less_sent > 5 << 20, "{moved:?}");
    assert!(received > 11 << 20 && less_received < received - (1 << 20), "{moved:?}");
}

#[test]
fn a_server_that_offers_compressed_streams_and_does_not_send_them_is_asked_for_plain_ones() {
    for code in [Code::NotFound, Code::Unimplemented, Code::InvalidArgument] {
        let (fake, files) = (packing(), [("text".to_owned(), text(1, 300_000))].into());
        fake.cache_capabilities(|cache| cache.max_batch_total_size_bytes = 64 << 10);
        publish(&Client::of(&fake), &files).unwrap();
        fake.state().keeps_plain = Some(code);
        let client = Client::of(&fake);
        assert_eq!(fetch(&client).unwrap(), files);
        assert_eq!(fake.calls("Read"), 2, "{code:?}");
        // From now on at once; what is not there is seen, too.
        let other = [("text".to_owned(), text(2, 300_000))].into();
        publish(&Client::of(&fake), &other).unwrap();
        assert_eq!(fetch(&client).unwrap(), other);
        assert_eq!(fake.calls("Read"), 3, "{code:?}");
        let gone = BlobDigest::of(&other["text"]);
        fake.state().blobs.remove(&gone);
        let late = Client::of(&fake);
        let tree = late.remote.look_up(&late.action(b"input")).unwrap().unwrap();
        assert!(matches!(late.remote.bring(tree), Err(RemoteError::Lost(lost)) if lost == [gone]));
        assert_eq!(fake.calls("Read"), 5, "{code:?}");
    }
}

#[test]
fn whatever_a_server_counts_of_a_compressed_upload_it_is_whole() {
    for committed in [-1, 6 << 20] {
        let (fake, files) = (packing(), [("text".to_owned(), text(1, 6 << 20))].into());
        fake.state().says_committed = Some(committed);
        publish(&Client::of(&fake), &files).unwrap();
        assert_eq!((fake.calls("Write"), fake.state().compressed), (1, 1));
    }
    let (fake, files) = (packing(), [("text".to_owned(), text(1, 6 << 20))].into());
    fake.state().says_committed = Some(17);
    assert_eq!(fault(publish(&Client::of(&fake), &files)), Some(Fault::Unreachable));
}

#[test]
fn a_broken_compressed_upload_begins_anew() {
    let fake = packing();
    let files: Files = [("large".to_owned(), text(1, 6 << 20))].into();
    let client = Client::of(&fake);
    fake.plan("Write", [Do::Part(1_100_000), Do::Part(2_000_000)]);
    publish(&client, &files).unwrap();
    assert_eq!(fake.state().blobs[&BlobDigest::of(&files["large"])], files["large"]);
    // What is asked for is a place in the blob: that of a frame which broke anywhere nobody knows.
    assert_eq!(fake.state().offsets, [("Write", 0); 3]);
    let names: BTreeSet<_> = fake.state().uploads.iter().cloned().collect();
    assert_eq!(names.len(), 3, "no server goes on with the half of another frame: {names:?}");
    assert!(names.iter().all(|name| name.contains("/compressed-blobs/zstd/")));
}

#[test]
fn a_broken_compressed_download_goes_on_where_it_was() {
    let fake = packing();
    let files: Files = [("large".to_owned(), text(1, 6 << 20))].into();
    publish(&Client::of(&fake), &files).unwrap();
    fake.state().offsets.clear();
    fake.plan("Read", [Do::Part(1_000_000), Do::Part(700_000)]);
    assert_eq!(fetch(&Client::of(&fake)).unwrap(), files);
    let offsets: Vec<_> = fake.state().offsets.iter().map(|(_, offset)| *offset).collect();
    // Places in the blob, not in what was sent: beyond the bytes that came.
    assert!(offsets.len() == 3 && offsets.is_sorted() && offsets[0] == 0, "{offsets:?}");
    assert!(offsets[1] > 1_000_000 && offsets[2] > offsets[1] + 700_000, "{offsets:?}");
}

#[test]
fn a_compressed_stream_that_is_garbage_or_another_blob_counts_as_lost() {
    for wrong in [None, Some(text(2, 6 << 20)), Some(text(1, 7 << 20))] {
        let fake = packing();
        let files: Files = [("large".to_owned(), text(1, 6 << 20))].into();
        publish(&Client::of(&fake), &files).unwrap();
        let digest = BlobDigest::of(&files["large"]);
        match wrong {
            Some(other) => drop(fake.state().blobs.insert(digest, other)),
            None => fake.plan("Read", [Do::Garble]),
        }
        let client = Client::of(&fake);
        let tree = client.remote.look_up(&client.action(b"input")).unwrap().unwrap();
        match client.remote.bring(tree).unwrap_err() {
            RemoteError::Lost(lost) => assert_eq!(lost, [digest]),
            other => panic!("{other:?}"),
        }
        assert!(!client.store.has(digest));
    }
}
