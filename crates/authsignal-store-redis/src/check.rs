//! Reads what Redis says of itself, and finds what could lose or double approvals.
use redis::Value;

const EVICTS: &str = "Redis drops records that are still good once its memory is full, and with them approvals and counts: set \
                      `maxmemory-policy noeviction`";
const NO_LOG: &str = "Redis keeps no append-only file, so after a crash approvals are lost, and such as were spent may be good again: \
                      set `appendonly yes`";
const NOT_ALWAYS: &str = "Redis may forget the last second when it crashes, and with it that an approval was spent: set \
                          `appendfsync always`, unless you accept that";
const UNTOLD: &str =
    "Redis does not tell its `appendfsync`: with anything but `always` a crash may forget that an approval was spent";
const REPLICA: &str = "this Redis is a replica and takes no writes: connect to its master";

/// What is wrong with a server, or with any server of a cluster, by its answers to `INFO` and `CONFIG GET appendfsync`.
pub(crate) fn warnings(info: &Value, appendfsync: Option<&Value>) -> Vec<&'static str> {
    let (mut info_texts, mut settings) = (Vec::new(), Vec::new());
    texts(info, &mut info_texts);
    if let Some(appendfsync) = appendfsync {
        texts(appendfsync, &mut settings);
    }
    let field = |name: &str| {
        let lines = info_texts.iter().flat_map(|text| text.lines()).filter_map(|line| line.split_once(':'));
        lines.filter(|(found, _)| *found == name).map(|(_, value)| value.trim()).collect::<Vec<_>>()
    };
    let any = |name: &str, is_bad: fn(&str) -> bool| field(name).into_iter().any(is_bad);
    let keeps_log = !any("aof_enabled", |value| value == "0");
    let syncs = |how: &str| settings.iter().any(|setting| setting == how);
    [
        (any("maxmemory_policy", |policy| policy != "noeviction"), EVICTS),
        (!keeps_log, NO_LOG),
        (keeps_log && (syncs("everysec") || syncs("no")), NOT_ALWAYS),
        (keeps_log && !["everysec", "no", "always"].into_iter().any(syncs), UNTOLD),
        (any("role", |role| role == "slave"), REPLICA),
    ]
    .into_iter()
    .filter_map(|(is_so, warning)| is_so.then_some(warning))
    .collect()
}

/// Every text in an answer, which is one text, a list, or a map by node.
fn texts(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::BulkString(bytes) => found.push(String::from_utf8_lossy(bytes).into_owned()),
        Value::SimpleString(text) | Value::VerbatimString { text, .. } => found.push(text.clone()),
        Value::Array(values) | Value::Set(values) => values.iter().for_each(|value| texts(value, found)),
        Value::Map(pairs) => pairs.iter().for_each(|(_, value)| texts(value, found)),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(policy: &str, aof: &str, role: &str) -> Value {
        let text =
            format!("# Memory\r\nmaxmemory_policy:{policy}\r\n# Persistence\r\naof_enabled:{aof}\r\nrole:{role}\r\n");
        Value::BulkString(text.into_bytes())
    }

    fn setting(value: &str) -> Value {
        Value::Array(vec![Value::BulkString(b"appendfsync".to_vec()), Value::BulkString(value.into())])
    }

    #[test]
    fn each_setting_that_may_lose_something_is_found() {
        let of = |policy, aof, fsync| warnings(&info(policy, aof, "master"), Some(&setting(fsync)));
        assert_eq!(of("noeviction", "1", "always"), [] as [&str; 0]);
        for policy in ["volatile-ttl", "volatile-lru", "allkeys-lfu", "allkeys-random"] {
            assert_eq!(of(policy, "1", "always"), [EVICTS], "{policy}");
        }
        assert_eq!(of("noeviction", "0", "everysec"), [NO_LOG]);
        assert_eq!(of("noeviction", "1", "everysec"), [NOT_ALWAYS]);
        assert_eq!(of("noeviction", "1", "no"), [NOT_ALWAYS]);
        assert_eq!(of("volatile-ttl", "0", "no"), [EVICTS, NO_LOG]);
        assert_eq!(warnings(&info("noeviction", "1", "master"), None), [UNTOLD]);
        assert_eq!(warnings(&info("noeviction", "1", "slave"), Some(&setting("always"))), [REPLICA]);
    }

    #[test]
    fn one_bad_node_of_a_cluster_is_enough() {
        let node = |name: &str, info| (Value::SimpleString(name.to_owned()), info);
        let nodes = vec![node("a", info("noeviction", "1", "master")), node("b", info("allkeys-lru", "1", "master"))];
        assert_eq!(warnings(&Value::Map(nodes), Some(&setting("always"))), [EVICTS]);
    }
}
