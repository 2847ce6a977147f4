//! A network of its own for a client: a namespace that one line leads to, which can be cut.
//!
//! Not here: who is at the other end.

use std::net::{IpAddr, Ipv4Addr};

use testkit::{command, output};

/// A network namespace with a line between it and this machine; both are gone when it is dropped.
#[derive(Debug)]
pub(super) struct Network {
    name: String,
    /// The ends of the line: here, and in the namespace.
    ends: [String; 2],
    here: Ipv4Addr,
}

impl Network {
    /// Makes one; root may.
    pub(super) fn new() -> Result<Self, String> {
        let id = std::process::id();
        // A private network, another one for each process that does this at the same time.
        let [_, _, high, low] = id.to_be_bytes();
        let at = |last: u8| Ipv4Addr::new(10, 64 + high % 64, low, last);
        let network =
            Self { name: format!("bactrian-farm-{id}"), ends: [format!("bf{id}a"), format!("bf{id}b")], here: at(1) };
        let [near, far] = network.ends.each_ref().map(String::as_str);
        let (name, here, there) = (network.name.as_str(), format!("{}/30", at(1)), format!("{}/30", at(2)));
        ip(&["netns", "add", name])?;
        ip(&["link", "add", near, "type", "veth", "peer", "name", far])?;
        ip(&["link", "set", far, "netns", name])?;
        ip(&["addr", "add", &here, "dev", near])?;
        ip(&["link", "set", near, "up"])?;
        ip(&["-n", name, "addr", "add", &there, "dev", far])?;
        ip(&["-n", name, "link", "set", far, "up"])?;
        Ok(network)
    }

    /// The namespace's name, as `ip netns exec` takes it.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The address of this machine as it is seen from there.
    pub(super) fn here(&self) -> IpAddr {
        self.here.into()
    }

    /// Cuts the line, and mends it after `between`.
    pub(super) fn cut(&self, between: impl FnOnce()) -> Result<(), String> {
        let [near, _] = &self.ends;
        ip(&["link", "set", near, "down"])?;
        between();
        ip(&["link", "set", near, "up"])
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let [near, _] = &self.ends;
        let _ = ip(&["link", "del", near]);
        let _ = ip(&["netns", "del", &self.name]);
    }
}

fn ip(words: &[&str]) -> Result<(), String> {
    output(command("ip").args(words)).map(|_| ())
}
