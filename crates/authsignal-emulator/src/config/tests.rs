//! What the configuration file says, and where its mistakes are.
use std::time::Duration;

use authsignal_client::VerificationMethod;
use secrecy::ExposeSecret;

use super::*;
use crate::lifecycle::Outcome;
use crate::rules::facts::Facts;

/// The file that is there to be copied.
const EXAMPLE: &str = include_str!("../../docs/emulator.toml");

/// The example with what is commented out in it.
fn uncommented() -> String {
    let setting =
        |line: &str| line.strip_prefix("# ").filter(|rest| rest.split(' ').nth(1) == Some("=")).map(str::to_owned);
    EXAMPLE.lines().map(|line| setting(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
}

#[test]
fn the_example_has_the_defaults() {
    let mut tenant = Config::from_toml(EXAMPLE).unwrap().tenant;
    let action = &tenant.actions["withdrawal"];
    assert_eq!(action.outcome, Some(tenant.default_outcome));
    assert_eq!((action.methods.len(), action.prompt_to_enroll.len()), (0, 0));
    let client = &tenant.app_clients[0];
    assert_eq!(*client, crate::AppClient::new("web"));
    assert_eq!(tenant.networks[0], crate::Network::new("203.0.113.0/24").country_code("NZ"));
    (tenant.actions, tenant.rules) = Default::default();
    (tenant.app_clients, tenant.networks, tenant.users) = Default::default();
    assert_eq!(format!("{tenant:?}"), format!("{:?}", Tenant::new()));
}

#[test]
fn the_example_works() {
    let config = Config::from_toml(&uncommented()).unwrap();
    assert_eq!((config.port(), config.secret.unwrap().expose_secret()), (Some(0), "emulator-secret"));
    assert_eq!((config.control_key.unwrap().expose_secret(), config.open_control), ("emulator-control", false));
    let tenant = config.tenant;
    assert_eq!(tenant.second_secret.as_ref().unwrap().expose_secret(), "emulator-next");
    assert_eq!(tenant.relying_party_id.as_deref(), Some("localhost"));
    assert_eq!(tenant.webhook_log_url.as_deref(), Some("http://127.0.0.1:3000/webhooks/authsignal-logs"));
    assert_eq!(tenant.users[0].app().unwrap().secret(), "JBSWY3DPEHPK3PXP");
    assert_eq!(tenant.users[0].custom["tier"], "gold");

    let sanctioned = Tenant { networks: vec![tenant.networks[0].clone().in_ofac_list(true)], ..tenant.clone() };
    let from = Facts::new("ada").ip_address("203.0.113.7");
    let decision = sanctioned.decide("withdrawal", &from);
    assert_eq!(decision.outcome, Outcome::Block);
    assert_eq!(decision.matched[0].description.as_deref(), Some("No transfers from countries on the list"));

    let strange = from.device("d").device_is_new(true);
    let decision = tenant.decide("withdrawal", &strange);
    assert_eq!(decision.outcome, Outcome::Challenge);
    assert_eq!(decision.default_method, Some(VerificationMethod::Passkey));
    assert_eq!(decision.priority_rule().unwrap().metadata["team"], "risk");
    assert!(tenant.decide("withdrawal", &strange.ip_address("10.1.2.3")).matched.is_empty());
    for (amount, matched) in [(1000, false), (1001, true), (10_000, true), (10_001, false)] {
        let decision = tenant.decide("withdrawal", &Facts::new("ada").custom("amount", amount));
        assert_eq!(decision.priority_rule().is_some(), matched, "{amount}");
    }
}

/// A key that nobody knows is refused with those that are known: each of them stands in the example.
#[test]
fn the_example_has_every_key() {
    let example = uncommented();
    let named = "[[rules]]\nname = \"r\"\nactions = [\"a\"]\n";
    let mut keys = 0;
    for table in [
        "",
        "[server]\n",
        "[tenant]\n",
        "[webhooks]\n",
        "[limits]\n",
        "[actions.withdrawal]\n",
        named,
        "[[app_clients]]\nid = \"a\"\n",
        "[[networks]]\ncidr = \"::/0\"\n",
        "[[users]]\nid = \"a\"\n",
    ] {
        let why = Config::from_toml(&format!("{table}zz = 1\n")).unwrap_err().to_string();
        for key in why.split('`').skip(3).step_by(2) {
            let (assigned, header) = (format!("\n{key} = "), format!("[{key}"));
            assert!(example.contains(&assigned) || example.contains(&header), "{table} {key}");
            keys += 1;
        }
    }
    assert_eq!(keys, 9 + 4 + 13 + 4 + 8 + 5 + 13 + 4 + 6 + 10);
}

#[test]
fn an_empty_file_sets_nothing() {
    for text in ["", "\n# nothing\n", "\u{feff}", "[tenant]\n[actions]\n[limits]"] {
        let config = Config::from_toml(text).unwrap();
        assert_eq!(format!("{:?}", config.tenant), format!("{:?}", Tenant::new()), "{text:?}");
        assert_eq!(config.port(), None);
    }
}

#[test]
fn values_that_are_written_in_several_ways() {
    let tenant = |text: &str| Config::from_toml(text).unwrap().tenant;
    for (text, seconds) in [
        ("10s", 10),
        ("90 seconds", 90),
        ("10m", 600),
        ("1h 30m", 5400),
        ("1 hour, 30 minutes", 5400),
        ("30d", 2_592_000),
        ("2w", 1_209_600),
        ("PT10M", 600),
    ] {
        let ttl = tenant(&format!("tenant.token_ttl = \"{text}\"")).token_ttl;
        assert_eq!(ttl, Duration::from_secs(seconds), "{text}");
    }
    for (word, outcome) in [
        ("ALLOW", Outcome::Allow),
        ("CHALLENGE", Outcome::Challenge),
        ("REVIEW", Outcome::Review),
        ("BLOCK", Outcome::Block),
    ] {
        assert_eq!(tenant(&format!("tenant.default_outcome = \"{word}\"")).default_outcome, outcome, "{word}");
    }
    for when in [
        "when = { \"custom.amount\" = { gt = 7 }, \"user.id\" = \"ada\" }",
        "when = { custom.amount = { gt = 7 }, user.id = { eq = \"ada\" } }",
        "when = { custom = { amount = { gt = 7 } }, user = { id = \"ada\" } }",
        "when.custom.amount.gt = 7\nwhen.user.id = \"ada\"",
        "[rules.when]\ncustom.amount.gt = 7\n\"user.id\".eq = \"ada\"",
        "[rules.when.custom]\namount = { gt = 7 }\n[rules.when.user]\nid.eq = \"ada\"",
    ] {
        let tenant = tenant(&rule(when));
        let matched =
            |user, amount: i32| !tenant.decide("a", &Facts::new(user).custom("amount", amount)).matched.is_empty();
        assert_eq!([matched("ada", 8), matched("ada", 7), matched("eve", 8)], [true, false, false], "{when}");
    }
    // A date is a text, as it is when an application sends one.
    let since = tenant("[[rules]]\nname = \"r\"\nactions = [\"a\"]\nwhen = { \"custom.since\" = 2026-01-15 }");
    let facts = Facts::new("ada").custom("since", "2026-01-15");
    assert!(since.decide("a", &facts).priority_rule().is_some());
}

/// A rule named `r` on the action `a`, in the first three lines.
fn rule(lines: &str) -> String {
    format!("[[rules]]\nname = \"r\"\nactions = [\"a\"]\n{lines}")
}

#[test]
fn wrong_files() {
    const METHODS: &str = "one of EMAIL_OTP, EMAIL_MAGIC_LINK, SMS, WHATSAPP, AUTHENTICATOR_APP, PASSKEY, \
                           SECURITY_KEY, PUSH, QR_CODE";
    const OPERATORS: &str = "one of eq, ne, gt, gte, lt, lte, in, not_in, contains, starts_with, exists";
    const TABLES: &str = "expected one of `server`, `tenant`, `webhooks`, `limits`, `actions`, `rules`, \
                          `app_clients`, `networks`, `users`";
    let two = |second: &str| rule("priority = 3\n\n") + &rule(second);
    let table: Vec<(String, String)> = [
        // No TOML.
        ("a = ", "line 1, column 5: string values must be quoted, expected literal string"),
        ("[tenant]\nname = \"Ä\" x", "line 2, column 12: unexpected key or value, expected newline, `#`"),
        ("[tenant\n", "line 1, column 8: unclosed table, expected `]`"),
        ("[tenant]\nname = \"a\"\nname = \"b\"", "line 3, column 1: duplicate key"),
        ("[tenant]\n[limits]\n[tenant]", "line 3, column 2: duplicate key"),
        // Another form.
        ("rule = 1", &format!("line 1, column 1: rule: unknown field `rule`, {TABLES}")),
        (
            "[webhooks]\r\nlogs = \"http://a.example\"",
            "line 2, column 1: webhooks.logs: unknown field `logs`, expected one of `url`, `log_url`, `timeout`, \
             `dangerous_allow_http_to`",
        ),
        ("[[tenant]]", "line 1, column 1: tenant: invalid type: sequence, expected a table"),
        ("\u{feff}limits = 3", "line 1, column 10: limits: invalid type: integer `3`, expected a table"),
        ("limits = []", "line 1, column 10: limits: invalid type: sequence, expected a table"),
        ("networks = [[\"::/0\", \"NZ\"]]", "line 1, column 13: networks[0]: invalid type: sequence, expected a table"),
        ("users = 3", "line 1, column 9: users: invalid type: integer `3`, expected a sequence"),
        (
            "[actions]\npay = \"ALLOW\"",
            "line 2, column 7: actions.pay: invalid type: string \"ALLOW\", expected a table",
        ),
        ("[tenant]\nname = 7", "line 2, column 8: tenant.name: invalid type: integer `7`, expected a string"),
        (
            "[tenant]\n\n  recovery_codes = \"yes\"",
            "line 3, column 20: tenant.recovery_codes: invalid type: string \"yes\", expected a boolean",
        ),
        ("[[users]]\nemail = \"a@b\"", "line 1, column 1: users[0]: missing field `id`"),
        ("\n[[rules]]\nname = \"r\"", "line 2, column 1: rules[0]: missing field `actions`"),
        (
            "networks = [\n  { cidr = \"::/0\" },\n  { country_code = \"NZ\" },\n]",
            "line 3, column 3: networks[1]: missing field `cidr`",
        ),
        (
            "[actions.withdrawal]\noutcome = \"CHALENGE\"",
            "line 2, column 11: actions.withdrawal.outcome: unknown outcome \"CHALENGE\"; one of ALLOW, CHALLENGE, \
             REVIEW, BLOCK",
        ),
        (
            "[tenant]\ndefault_outcome = \"REVIEW_REQUIRED\"",
            "line 2, column 19: tenant.default_outcome: unknown outcome \"REVIEW_REQUIRED\"; one of ALLOW, CHALLENGE, \
             REVIEW, BLOCK",
        ),
        (
            "[limits]\nsend_window = \"ten minutes\"",
            "line 2, column 15: limits.send_window: invalid duration \"ten minutes\": one is written as \"10s\", \
             \"10m\", \"1h 30m\" or \"30d\"",
        ),
        (
            "[limits]\nsend_window = \"-10m\"",
            "line 2, column 15: limits.send_window: invalid duration \"-10m\": one is written as \"10s\", \
             \"10m\", \"1h 30m\" or \"30d\"",
        ),
        (
            "[limits]\nsend_window = \"1 month\"",
            "line 2, column 15: limits.send_window: invalid duration \"1 month\": one is written as \"10s\", \
             \"10m\", \"1h 30m\" or \"30d\"",
        ),
        (
            "[limits]\nverify_window = 300",
            "line 2, column 17: limits.verify_window: invalid type: integer `300`, expected a string",
        ),
        ("[server]\nsecret = 123456", "line 2, column 10: server.secret: a text in quotes is asked for"),
        // Numbers that don't fit.
        ("[server]\nport = 65536", "line 2, column 8: server.port: invalid value 65536: a port is 0 to 65535"),
        ("[limits]\nsms = -1", "line 2, column 7: limits.sms: invalid value -1: a number from 0 on is asked for"),
        (
            "[tenant]\nverification_code_length = 11",
            "line 2, column 28: tenant.verification_code_length: invalid value 11: a code has 2 to 10 digits",
        ),
        (
            "[tenant]\nverification_code_length = 300",
            "line 2, column 28: tenant.verification_code_length: invalid value 300: a code has 2 to 10 digits",
        ),
        // What cannot work.
        (
            "[server]\ncontrol_key = \"hush hush\"",
            "line 2, column 15: server.control_key: invalid value: a control key is not empty, and has visible ASCII characters \
             alone",
        ),
        (
            "[server]\nopen_control = true\ncontrol_key = \"hush\"",
            "line 3, column 15: server.control_key: invalid value: open_control asks for none: only one of the two can be",
        ),
        (
            "[server]\nsecret = \"hush hush\"",
            "line 2, column 10: server.secret: invalid value: a secret is not empty, and has no space, colon or control \
             character",
        ),
        (
            "[tenant]\nmethods = [\n  \"SMS\",\n  \"EMAIL\",\n]",
            &format!("line 4, column 3: tenant.methods[1]: unknown method \"EMAIL\"; {METHODS}"),
        ),
        (
            "[tenant]\nmethods = [\"SMS\"]\n\n[actions.pay]\ndefault_method = \"PASSKEY\"",
            "line 5, column 18: actions.pay.default_method: PASSKEY is not among tenant.methods",
        ),
        (
            "[actions.\"sign in\"]\noutcome = \"ALLOW\"",
            "line 1, column 1: actions.\"sign in\": invalid value \"sign in\": an action code has only letters, digits, `_` \
             and `-`",
        ),
        (
            "actions.pay.verification_webhook_url = \"ftp://a.example/\"",
            "line 1, column 40: actions.pay.verification_webhook_url: invalid value \"ftp://a.example/\": an http or https \
             URL is asked for",
        ),
        (
            "[webhooks]\ndangerous_allow_http_to = \"app:3000\"",
            "line 2, column 27: webhooks.dangerous_allow_http_to: invalid value \"app:3000\": a host without a port is asked for, \
             such as \"app\"",
        ),
        (
            "[webhooks]\ntimeout = \"0s\"",
            "line 2, column 11: webhooks.timeout: invalid value 0ns: it is 1ms at least and ten years at most",
        ),
        (
            "[[networks]]\ncidr = \"10.0.0.0/33\"",
            "line 2, column 8: networks[0].cidr: invalid value \"10.0.0.0/33\": a network is asked for, such as \
             \"203.0.113.0/24\"",
        ),
        (
            "[[users]]\nid = \"ada\"\n[[users]]\nid = \"ada\"",
            "line 4, column 6: users[1].id: \"ada\" is taken by users[0].id",
        ),
        (
            "[[users]]\nid = \"ada\"\nmethods = [\"SMS\"]",
            "line 1, column 1: users[0].phone_number: missing: the user has SMS enrolled",
        ),
        (
            "[[app_clients]]\nid = \"web\"\nclaims = { plan = \"pro\", exp = 1 }",
            "line 3, column 32: app_clients[0].claims.exp: invalid value \"exp\": every token has this claim of its own",
        ),
        // Rules.
        (&two("priority = 3"), "line 9, column 12: rules[1].priority: 3 of a is taken by rules[0].priority"),
        (&two("priority = 256"), "line 9, column 12: rules[1].priority: invalid value 256: a priority is 0 to 99"),
        (&rule("priority = 100"), "line 4, column 12: rules[0].priority: invalid value 100: a priority is 0 to 99"),
        (&rule("id = \"first\""), "line 4, column 6: rules[0].id: invalid value \"first\": a UUID is asked for"),
        (
            "[[rules]]\nname = \"r\"\nactions = []",
            "line 3, column 11: rules[0].actions: missing: a rule applies to the actions that it names",
        ),
        (
            &rule("when = { \"custom.amount\" = { above = 7 } }"),
            &format!("line 4, column 38: rules[0].when.custom.amount.above: unknown operator \"above\"; {OPERATORS}"),
        ),
        (
            &rule("when = { \"custom.amount\" = { gt = \"7\" } }"),
            "line 4, column 35: rules[0].when.custom.amount.gt: a finite number is asked for",
        ),
        (
            &rule("when = { \"custom.amount\" = { gt = nan } }"),
            "line 4, column 35: rules[0].when.custom.amount.gt: a finite number is asked for",
        ),
        (
            &rule("[rules.when]\n\"device.isNew\" = \"yes\""),
            "line 5, column 18: rules[0].when.device.isNew.eq: true or false is asked for",
        ),
        (
            &rule("any = [\n  { \"ip.address\" = { in = [\"10.0.0.0/8\", \"ten\"] } },\n]"),
            "line 5, column 27: rules[0].any[0].ip.address.in: an address or a network is asked for, such as \
             \"203.0.113.0/24\"",
        ),
        (&rule("any = [{}]"), "line 4, column 8: rules[0].any[0]: an alternative without a condition always holds"),
        (
            &rule("when = { amount = { gt = 7 } }"),
            "line 4, column 19: rules[0].when.amount: unknown variable \"amount\"; one of ip.address, ip.isAnonymous, \
             ip.countryCode, ip.countryCodeInOfacList, ip.impossibleTravel, ip.atypicalTravel, device.id, \
             device.isNew, device.isBot, device.isRemembered, user.id, user.isEnrolled, user.hasPreviouslyVerified, \
             user.email, custom.<name>",
        ),
        (
            &rule("when.custom.amount.gt = true"),
            "line 4, column 25: rules[0].when.custom.amount.gt: a finite number is asked for",
        ),
        (
            &rule("when = { custom.amount = 7, \"custom.tier\" = { gt = \"7\" } }"),
            "line 4, column 52: rules[0].when.custom.tier.gt: a finite number is asked for",
        ),
        (
            &rule("when = { custom.a.b = 7 }"),
            &format!("line 4, column 23: rules[0].when.custom.a.b: unknown operator \"b\"; {OPERATORS}"),
        ),
        (
            &rule("when = { user = {} }"),
            "line 4, column 17: rules[0].when.user: a comparison is asked for, such as { gt = 1000 }",
        ),
        (
            &rule("when = { \"user.id\" = {} }"),
            "line 4, column 22: rules[0].when.user.id: a comparison is asked for, such as { gt = 1000 }",
        ),
    ]
    .map(|(text, expected)| (text.to_owned(), expected.to_owned()))
    .into();
    for (text, expected) in table {
        let why = Config::from_toml(&text).expect_err(&text);
        assert_eq!(why.to_string(), expected, "{text}");
        let (line, column) = (why.line().unwrap(), why.column().unwrap());
        let key = why.key().map(|key| key + ": ").unwrap_or_default();
        assert!(why.to_string().starts_with(&format!("line {line}, column {column}: {key}")), "{why}");
        assert!(!why.to_string().contains("hush"), "{why}");
    }
}

#[test]
fn a_file_is_named() {
    let folder = std::env::temp_dir().join(format!("emulator-{}", uuid::Uuid::new_v4()));
    std::fs::create_dir(&folder).unwrap();
    let path = folder.join("emulator.toml");

    let why = Config::from_file(&path).unwrap_err();
    assert_eq!(why.to_string(), format!("{}: cannot be read", path.display()));
    assert_eq!((why.line(), why.column(), why.key()), (None, None, None));
    assert!(std::error::Error::source(&why).is_some());

    std::fs::write(&path, "[server]\nport = 4010\nsecret = \"hush\"").unwrap();
    let config = Config::from_file(&path).unwrap();
    assert_eq!(config.port(), Some(4010));
    assert!(!format!("{config:?}").contains("hush"));

    std::fs::write(&path, "[server]\nport = \"http\"").unwrap();
    let why = Config::from_file(&path).unwrap_err();
    let expected = "2:8: server.port: invalid type: string, expected a whole number";
    assert_eq!(why.to_string(), format!("{}:{expected}", path.display()));
    assert_eq!((why.line(), why.column(), why.key().as_deref()), (Some(2), Some(8), Some("server.port")));
    std::fs::remove_dir_all(&folder).unwrap();
}
