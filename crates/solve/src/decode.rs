//! From places and numbers back to a [`Solution`]: the worlds of the targets become one role.
//!
//! Not here: which places are needed (`roles`).

use std::collections::BTreeMap;

use crate::pool::{Pool, RootOf};
use crate::problem::{Chosen, Kind, NameId, Source, World};
use crate::reduce::Names;
use crate::request::Request;
use crate::roles::Needed;
use crate::solution::{Dep, Key, Node, On, Role, Solution};
use crate::tools::Tools;

/// The solution that `needed` is, in names and versions.
pub(crate) fn solution(
    pool: &Pool<'_>,
    request: &Request,
    tools: &Tools,
    chosen: &Chosen,
    needed: &Needed,
) -> Solution {
    let targets: Vec<String> = request.worlds.targets.iter().map(|(name, _)| name.clone()).collect();
    let mut merged: BTreeMap<(NameId, Role), Merged> = BTreeMap::new();
    for ((name, world), edges) in needed {
        let node = merged.entry((*name, role(*world))).or_default();
        node.worlds.push(*world);
        for ((other, other_world), kind) in edges {
            let dep = node.deps.entry((*other, role(*other_world))).or_insert((*kind, Vec::new()));
            dep.0 = dep.0.min(*kind);
            dep.1.push(*world);
        }
    }
    let mut nodes = BTreeMap::new();
    for ((id, role), node) in &merged {
        let place = node.worlds.first().map(|world| (*id, *world));
        let version = place.and_then(|place| pool.version(*id, *chosen.get(&place)?));
        let (Some(name), Some(version)) = (pool.name(*id), version) else { continue };
        let mut deps: Vec<Dep> = Vec::new();
        for ((other, other_role), (kind, worlds)) in &node.deps {
            let Some(other) = pool.name(*other) else { continue };
            let on = on(worlds, &node.worlds, &targets);
            deps.push(Dep { key: Key { name: other, role: *other_role }, kind: *kind, on });
        }
        deps.sort_by(|a, b| a.key.cmp(&b.key));
        let all: Vec<World> = match role {
            Role::Host => vec![World::HOST],
            Role::Target => (0..targets.len()).map(World::target).collect(),
        };
        let (local, provided, conf) = (pool.is_local(&name), tools.is_provided(&name), pool.is_conf(&name));
        let candidate = place.and_then(|(id, world)| pool.candidate(id, *chosen.get(&(id, world))?, world).ok());
        let ppx = candidate.is_some_and(|candidate| candidate.ppx);
        let node = Node { version, local, provided, conf, ppx, on: on(&node.worlds, &all, &targets), deps };
        nodes.insert(Key { name, role: *role }, node);
    }
    Solution { roots: roots(pool), targets, nodes }
}

#[derive(Default)]
struct Merged {
    worlds: Vec<World>,
    deps: BTreeMap<(NameId, Role), (Kind, Vec<World>)>,
}

fn role(world: World) -> Role {
    if world == World::HOST { Role::Host } else { Role::Target }
}

fn on(worlds: &[World], all: &[World], targets: &[String]) -> On {
    if worlds.len() == all.len() {
        return On::All;
    }
    let names = worlds.iter().filter_map(|world| targets.get(world.index()?));
    On::Only(names.cloned().collect())
}

/// The project's packages and the published ones as asked for, then the compiler.
fn roots(pool: &Pool<'_>) -> Vec<Key> {
    let mut roots: Vec<(bool, Key)> = Vec::new();
    for (index, root) in pool.roots().iter().enumerate() {
        let Some((of, world)) = pool.root(index) else { continue };
        root.atoms(&mut |atom| {
            let Some(name) = pool.name(atom.name) else { return };
            let key = (of == RootOf::Compiler, Key { name, role: role(world) });
            if !roots.contains(&key) {
                roots.push(key);
            }
        });
    }
    roots.sort_by_key(|(compiler, _)| *compiler);
    roots.into_iter().map(|(_, key)| key).collect()
}
