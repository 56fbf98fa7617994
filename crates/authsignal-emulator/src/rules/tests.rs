//! Which rule decides, and which conditions hold.
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::rules::condition::{OPERATORS, Operator};
use crate::rules::facts::{Facts, ValueType};
use crate::rules::network::Network;

const PASSKEY: VerificationMethod = VerificationMethod::Passkey;
const EMAIL: VerificationMethod = VerificationMethod::EmailOtp;
const SMS: VerificationMethod = VerificationMethod::Sms;

/// Whether a condition of this operator holds for what a data point of the application's is.
fn holds(operator: &str, operand: Value, actual: impl Into<Option<Value>>) -> bool {
    let operator = Operator::named(operator).unwrap();
    Condition::new(operator, operand).holds(ValueType::Any, actual.into().as_ref())
}

#[test]
fn operators() {
    let tags = || json!(["new", "vip"]);
    let table: [(&str, Value, Value, bool); 54] = [
        ("eq", json!("NZ"), json!("NZ"), true),
        ("eq", json!("NZ"), json!("nz"), false),
        ("eq", json!(1), json!(1), true),
        ("eq", json!(1), json!(1.0), true),
        ("eq", json!(1), json!("1"), false),
        ("eq", json!(1), json!(true), false),
        ("eq", json!(true), json!(true), true),
        ("eq", json!(true), json!(false), false),
        ("eq", json!(true), json!("true"), false),
        ("eq", json!(u64::MAX), json!(u64::MAX), true),
        ("eq", json!(u64::MAX), json!(u64::MAX - 1), false),
        ("eq", json!(-1), json!(u64::MAX), false),
        ("eq", json!("new"), tags(), false),
        ("eq", tags(), tags(), false),
        ("ne", json!("NZ"), json!("AU"), true),
        ("ne", json!("NZ"), json!("NZ"), false),
        ("ne", json!("NZ"), json!(7), false),
        ("ne", json!("NZ"), tags(), false),
        ("ne", json!(2), json!(1.5), true),
        ("ne", json!(true), json!(false), true),
        ("gt", json!(1000), json!(1001), true),
        ("gt", json!(1000), json!(1000.01), true),
        ("gt", json!(1000), json!(1000), false),
        ("gt", json!(1000), json!("2000"), false),
        ("gt", json!("a"), json!("b"), false),
        ("gt", json!(i64::MAX), json!(u64::MAX), true),
        ("gte", json!(1000), json!(1000), true),
        ("gte", json!(1000), json!(999.9), false),
        ("lt", json!(0), json!(-0.5), true),
        ("lt", json!(0), json!(0), false),
        ("lt", json!(u64::MAX), json!(i64::MIN), true),
        ("lte", json!(0), json!(0.0), true),
        ("lte", json!(0), json!(1), false),
        ("lte", json!(0), json!(false), false),
        ("in", json!(["NZ", "AU"]), json!("AU"), true),
        ("in", json!(["NZ", "AU"]), json!("US"), false),
        ("in", json!([1, "a", true]), json!(true), true),
        ("in", json!(["new"]), tags(), false),
        ("in", json!([]), json!("AU"), false),
        ("in", json!("AU"), json!("AU"), false),
        ("not_in", json!(["NZ", "AU"]), json!("US"), true),
        ("not_in", json!(["NZ", "AU"]), json!("NZ"), false),
        ("not_in", json!(["NZ", "AU"]), json!(7), false),
        ("not_in", json!([]), json!("NZ"), false),
        ("contains", json!("vip"), tags(), true),
        ("contains", json!("vi"), tags(), false),
        ("contains", json!("vi"), json!("vip"), true),
        ("contains", json!("VI"), json!("vip"), false),
        ("contains", json!(1), json!([1]), false),
        ("contains", json!("1"), json!(1), false),
        ("starts_with", json!("vi"), json!("vip"), true),
        ("starts_with", json!("ip"), json!("vip"), false),
        ("exists", json!(true), json!(""), true),
        ("exists", json!(false), json!(""), false),
    ];
    for (operator, operand, actual, expected) in table {
        assert_eq!(holds(operator, operand.clone(), actual.clone()), expected, "{actual} {operator} {operand}");
    }
}

#[test]
fn what_is_not_known_meets_nothing_but_its_absence() {
    for (name, operator) in OPERATORS {
        for operand in [json!("a"), json!(0), json!(true), json!(false), json!(["a"]), json!([]), Value::Null] {
            let absence = (operator, &operand) == (Operator::Exists, &json!(false));
            assert_eq!(holds(name, operand.clone(), None), absence, "{name} {operand}");
        }
    }
}

#[test]
fn addresses_are_compared_by_network() {
    for (operator, operand, address, expected) in [
        ("eq", json!("203.0.113.0/24"), "203.0.113.7", true),
        ("eq", json!("203.0.113.7"), "203.0.113.7", true),
        ("eq", json!("203.0.113.7"), "::ffff:203.0.113.7", true),
        ("eq", json!("203.0.113.0/25"), "203.0.113.200", false),
        ("ne", json!("203.0.113.0/25"), "203.0.113.200", true),
        ("ne", json!("203.0.113.0/25"), "no address", false),
        ("in", json!(["10.0.0.0/8", "2001:db8::/32"]), "2001:db8:1::1", true),
        ("in", json!(["10.0.0.0/8", "2001:db8::/32"]), "2001:db9::1", false),
        ("not_in", json!(["10.0.0.0/8", "2001:db8::/32"]), "192.0.2.1", true),
        ("not_in", json!(["10.0.0.0/8", "no network"]), "192.0.2.1", false),
        ("starts_with", json!("192."), "192.0.2.1", true),
    ] {
        let condition = Condition::new(Operator::named(operator).unwrap(), operand.clone());
        assert_eq!(
            condition.holds(ValueType::Address, Some(&address.into())),
            expected,
            "{address} {operator} {operand}"
        );
    }
}

#[test]
fn constructors() {
    for (condition, operator, operand) in [
        (Condition::eq("a"), "eq", json!("a")),
        (Condition::ne(1.5), "ne", json!(1.5)),
        (Condition::gt(1), "gt", json!(1)),
        (Condition::gte(1), "gte", json!(1)),
        (Condition::lt(1), "lt", json!(1)),
        (Condition::lte(1), "lte", json!(1)),
        (Condition::one_of(["a", "b"]), "in", json!(["a", "b"])),
        (Condition::none_of([1, 2]), "not_in", json!([1, 2])),
        (Condition::contains("a"), "contains", json!("a")),
        (Condition::starts_with("a"), "starts_with", json!("a")),
        (Condition::exists(), "exists", json!(true)),
        (Condition::absent(), "exists", json!(false)),
    ] {
        assert_eq!((condition.operator.name(), condition.operand), (operator, operand));
    }
}

const BASE: Base<'static> = Base {
    outcome: Outcome::Allow,
    methods: &[EMAIL, PASSKEY],
    default_method: Some(&EMAIL),
    prompt_to_enroll: &[SMS],
};

fn decided(rules: &[Rule], facts: &Facts) -> Decision {
    decide(rules, "pay", BASE, &Known { facts, network: None })
}

/// What decided, and all that matched, by name.
fn names(decision: &Decision) -> (Option<&str>, Vec<&str>) {
    let first = decision.priority_rule().map(|rule| rule.name.as_str());
    (first, decision.matched.iter().map(|rule| rule.name.as_str()).collect())
}

#[test]
fn the_first_by_priority_decides_and_all_that_match_are_told() {
    let rule = |name: &str| Rule::new(name).on("pay");
    let big = |rule: Rule| rule.when("custom.amount", Condition::gt(1000));
    let rules = [
        rule("unnumbered").outcome(Outcome::Review),
        rule("off").priority(0).active(false).outcome(Outcome::Block),
        big(rule("9")).priority(9).outcome(Outcome::Review),
        Rule::new("of another action").on("sign-in").priority(2).outcome(Outcome::Block),
        big(rule("1")).priority(1).outcome(Outcome::Block),
        rule("unnumbered too").on("sign-in").outcome(Outcome::Block),
        rule("never").priority(3).when("custom.none", Condition::exists()),
    ];
    let decision = decided(&rules, &Facts::new("ada").custom("amount", 1500));
    assert_eq!(names(&decision), (Some("1"), vec!["1", "9", "unnumbered", "unnumbered too"]));
    assert_eq!(decision.outcome, Outcome::Block);
    let decision = decided(&rules, &Facts::new("ada").custom("amount", 10));
    assert_eq!(names(&decision), (Some("unnumbered"), vec!["unnumbered", "unnumbered too"]));
    assert_eq!(decision.outcome, Outcome::Review);
    let decision = decided(&rules[1..5], &Facts::new("ada"));
    assert_eq!((names(&decision), decision.outcome), ((None, vec![]), Outcome::Allow));
}

#[test]
fn all_conditions_and_one_alternative_have_to_hold() {
    let rule = Rule::new("r")
        .on("pay")
        .when("custom.a", Condition::eq(true))
        .when("custom.b", Condition::eq(true))
        .any([When::new("custom.c", Condition::eq(true))])
        .any([When::new("custom.d", Condition::eq(true)).and("custom.e", Condition::eq(true))]);
    for bits in 0..32_u32 {
        let [a, b, c, d, e] = [0, 1, 2, 3, 4].map(|bit| bits & (1 << bit) != 0);
        let facts = [("a", a), ("b", b), ("c", c), ("d", d), ("e", e)];
        let facts = facts.into_iter().fold(Facts::new("ada"), |facts, (name, truth)| facts.custom(name, truth));
        let matched = decided(std::slice::from_ref(&rule), &facts).priority_rule().is_some();
        assert_eq!(matched, a && b && (c || d && e), "{bits:05b}");
    }
    let without = decided(&[Rule::new("always").on("pay")], &Facts::new("ada"));
    assert_eq!(names(&without).0, Some("always"));
    let strange = Rule::new("strange").on("pay").when("ip.adress", Condition::absent());
    assert!(decided(&[strange], &Facts::new("ada")).matched.is_empty(), "a variable that nobody knows is not absent");
}

#[test]
fn what_a_rule_says_of_methods_goes_before_the_action() {
    let rule = || Rule::new("r").on("pay");
    let table = [
        ("nothing", rule(), vec![EMAIL, PASSKEY], Some(EMAIL), vec![SMS]),
        ("methods with the action's default", rule().methods([SMS, EMAIL]), vec![SMS, EMAIL], Some(EMAIL), vec![SMS]),
        ("methods without it", rule().methods([SMS]), vec![SMS], None, vec![SMS]),
        ("a default", rule().default_method(PASSKEY), vec![EMAIL, PASSKEY], Some(PASSKEY), vec![SMS]),
        ("a default that it doesn't allow", rule().default_method(SMS), vec![EMAIL, PASSKEY], Some(EMAIL), vec![SMS]),
        ("enrolment", rule().prompt_to_enroll([PASSKEY]), vec![EMAIL, PASSKEY], Some(EMAIL), vec![PASSKEY]),
    ];
    for (name, rule, methods, default, prompt) in table {
        let decision = decided(&[rule], &Facts::new("ada"));
        assert_eq!(
            (decision.methods, decision.default_method, decision.prompt_to_enroll),
            (methods, default, prompt),
            "{name}"
        );
    }
    let second = [rule().priority(0).methods([SMS]), rule().priority(1).methods([PASSKEY])];
    assert_eq!(decided(&second, &Facts::new("ada")).methods, [SMS], "only the first rule's count");
}

#[test]
fn the_output_is_what_active_rules_of_the_action_looked_at() {
    let rules = [
        Rule::new("a").on("pay").when("custom.amount", Condition::gt(1)).when("custom.none", Condition::exists()),
        Rule::new("b").on("pay").any([When::new("ip.countryCode", Condition::eq("AU"))]),
        Rule::new("off").on("pay").active(false).when("user.id", Condition::eq("ada")),
        Rule::new("other").on("sign-in").when("user.isEnrolled", Condition::eq(true)),
    ];
    let facts = Facts::new("ada").email("ada@example.com").ip_address("203.0.113.7").custom("amount", 0);
    let network = Network::new("203.0.113.0/24").country_code("NZ");
    let decision = decide(&rules, "pay", BASE, &Known { facts: &facts, network: Some(&network) });
    assert_eq!(Value::from(decision.output), json!({ "custom.amount": 0, "ip.countryCode": "NZ" }));
    assert!(decision.matched.is_empty(), "looked at is not matched");
}

#[test]
fn a_match_on_the_wire() {
    let rule = Rule::new("New device").on("pay").id("6b0e8f3a-1111-4222-8333-944455556666");
    let told = |rule: Rule| serde_json::to_value(&decided(&[rule], &Facts::new("ada")).matched).unwrap();
    let id = "6b0e8f3a-1111-4222-8333-944455556666";
    assert_eq!(told(rule.clone()), json!([{ "ruleId": id, "name": "New device", "metadata": {} }]));
    assert_eq!(
        told(rule.description("Challenge").metadata("team", "risk")),
        json!([{ "ruleId": id, "name": "New device", "description": "Challenge", "metadata": { "team": "risk" } }])
    );
}

/// Texts, numbers, truths, lists and objects that have nothing to do with each other.
fn any_value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        prop_oneof!["[a-c]{0,2}", "1?[0-9]\\.0\\.0\\.[0-9](/[0-9]{1,2})?", "\\PC*"].prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..3).prop_map(Value::from),
            prop::collection::hash_map("[a-c]", inner, 0..2).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn any_kind() -> impl Strategy<Value = ValueType> {
    prop::sample::select(vec![ValueType::Address, ValueType::Text, ValueType::Boolean, ValueType::Any])
}

proptest! {
    /// Whatever is compared with whatever: it never panics, other types never match, and of two opposites at most one
    /// holds.
    #[test]
    fn comparing_anything(kind in any_kind(), operand in any_value(), actual in any_value()) {
        let holds = |operator| Condition::new(operator, operand.clone()).holds(kind, Some(&actual));
        use Operator::{Contains, Eq, Exists, Gt, Gte, In, Lt, Lte, Ne, NotIn, StartsWith};
        for (one, other) in [(Eq, Ne), (In, NotIn), (Gt, Lte), (Lt, Gte), (Gt, Lt)] {
            prop_assert!(!(holds(one) && holds(other)), "{:?} {:?}", one, other);
        }
        if std::mem::discriminant(&operand) != std::mem::discriminant(&actual) {
            for operator in [Eq, Ne, Gt, Gte, Lt, Lte, StartsWith] {
                prop_assert!(!holds(operator), "{:?}", operator);
            }
            prop_assert!(!holds(Contains) || actual.is_array());
        }
        if holds(Gt) || holds(Lt) {
            prop_assert!(!holds(Eq));
        }
        prop_assert_eq!(holds(Exists), operand == Value::Bool(true));
    }

    /// What [`Condition::fault`] objects to never holds, whatever the variable is.
    #[test]
    fn faulty_conditions_never_hold(
        kind in any_kind(),
        operator in prop::sample::select(OPERATORS.map(|known| known.1).to_vec()),
        operand in any_value(),
        actual in prop::option::of(any_value()),
    ) {
        let condition = Condition::new(operator, operand);
        let fits = match (kind, &actual) {
            (_, None) | (ValueType::Any, _) => true,
            (ValueType::Boolean, Some(actual)) => actual.is_boolean(),
            (ValueType::Address | ValueType::Text, Some(actual)) => actual.is_string(),
        };
        // Of a list, one value may be right and another wrong.
        if fits && operator != Operator::In && condition.fault(kind).is_some() {
            prop_assert!(!condition.holds(kind, actual.as_ref()), "{:?} {:?}", condition, actual);
        }
    }

    /// The decision is that of the first active rule that matches, in whatever order the rules were declared.
    #[test]
    fn declaration_order_does_not_matter(
        (rules, shuffled) in prop::collection::vec((any::<bool>(), 0..10_i32, 0..4_usize, any::<bool>()), 0..12)
            .prop_flat_map(|rules| {
                let priorities = prop::sample::subsequence((0..100_u8).collect::<Vec<_>>(), rules.len());
                (Just(rules), priorities.prop_shuffle())
            })
            .prop_flat_map(|(rules, priorities)| {
                let rules: Vec<_> = rules.into_iter().zip(priorities).collect();
                (Just(rules.clone()), Just(rules).prop_shuffle())
            }),
        amount in 0..10_i32,
    ) {
        let outcomes = [Outcome::Allow, Outcome::Challenge, Outcome::Review, Outcome::Block];
        let made = |((active, above, outcome, ours), priority): &((bool, i32, usize, bool), u8)| {
            let id = format!("00000000-0000-4000-8000-{priority:012}");
            Rule::new(priority.to_string()).id(id).on(if *ours { "pay" } else { "sign-in" }).priority(*priority)
                .active(*active).when("custom.amount", Condition::gt(*above)).outcome(outcomes[*outcome])
        };
        let facts = Facts::new("ada").custom("amount", amount);
        let decision = decided(&rules.iter().map(made).collect::<Vec<_>>(), &facts);

        let mut matching: Vec<_> = rules
            .iter()
            .filter(|((active, above, _, ours), _)| *active && *ours && amount > *above)
            .map(|((_, _, outcome, _), priority)| (*priority, outcomes[*outcome]))
            .collect();
        matching.sort_by_key(|(priority, _)| *priority);
        prop_assert_eq!(decision.outcome, matching.first().map_or(BASE.outcome, |(_, outcome)| *outcome));
        let matched: Vec<_> = decision.matched.iter().map(|rule| rule.name.clone()).collect();
        prop_assert_eq!(matched, matching.iter().map(|(priority, _)| priority.to_string()).collect::<Vec<_>>());
        prop_assert_eq!(decided(&shuffled.iter().map(made).collect::<Vec<_>>(), &facts), decision);
    }
}
