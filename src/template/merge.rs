//! Laying one tree over another: how a template extends another, and how manifests differ from a template.

use crate::manifest::node::{Data, Node};

/// The keys that name an object of a list, in order of preference.
const IDENTITIES: [&str; 4] = ["clientId", "alias", "username", "name"];

/// `over` wins. Mappings are merged key by key; lists of named objects are merged object by object; other lists, and
/// everything else, are replaced. An empty list replaces: it means "want none".
pub fn merge(under: Node, over: Node) -> Node {
    let span = over.span;
    let data = match (under.data, over.data) {
        (Data::Map(mut below), Data::Map(above)) => {
            for (key, value) in above {
                match below.iter().position(|(k, _)| k.text == key.text) {
                    Some(index) => {
                        let (_, old) = below.remove(index);
                        below.insert(index, (key, merge(old, value)));
                    }
                    None => below.push((key, value)),
                }
            }
            Data::Map(below)
        }
        (Data::List(below), Data::List(above)) if !above.is_empty() => merge_lists(below, above),
        (_, over) => over,
    };
    Node { data, span }
}

fn merge_lists(mut below: Vec<Node>, above: Vec<Node>) -> Data {
    if !above.iter().all(|item| identity(item).is_some()) {
        return Data::List(above);
    }
    for item in above {
        match below.iter().position(|old| identity(old) == identity(&item)) {
            Some(index) => {
                let old = below.remove(index);
                below.insert(index, merge(old, item));
            }
            None => below.push(item),
        }
    }
    Data::List(below)
}

fn identity(node: &Node) -> Option<(&'static str, String)> {
    IDENTITIES.iter().find_map(|key| Some((*key, node.get(key)?.to_value().to_string())))
}
