//! What settings are refused, and in which words.
use super::*;
use crate::rules::condition::{Condition, When};
use VerificationMethod::{AuthenticatorApp, EmailOtp, Passkey, RecoveryCode, Sms};

const ID: &str = "6b0e8f3a-1111-4222-8333-944455556666";

fn offering(methods: impl IntoIterator<Item = VerificationMethod>) -> Tenant {
    Tenant::new().methods(methods)
}

fn rule() -> Rule {
    Rule::new("r").on("pay")
}

fn ruled(rule: Rule) -> Tenant {
    Tenant::new().rule(rule)
}

fn acting(settings: ActionSettings) -> Tenant {
    Tenant::new().action("pay", settings)
}

fn when(variable: &str, condition: Condition) -> Tenant {
    ruled(rule().when(variable, condition))
}

fn ada() -> NewUser {
    NewUser::new("ada")
}

#[test]
fn what_works() {
    let user = ada().email("a@b").phone_number("+64270000000").otp_secret("JBSWY3DPEHPK3PXP").locale("en-NZ");
    for (name, tenant) in [
        ("nothing set", Tenant::new()),
        ("nothing offered", offering([])),
        ("the limits of things", Tenant::new().id(ID).verification_code_length(2).token_ttl(Duration::from_secs(1))),
        ("the other limits", Tenant::new().verification_code_length(10).code_ttl(Duration::from_secs(315_576_000))),
        ("hosts", Tenant::new().custom_domain("auth.example.com").relying_party_id("localhost")),
        ("a secret", Tenant::new().second_secret("q9Zk/Xn0+=")),
        ("webhooks", Tenant::new().webhook_url("http://127.0.0.1:3000/a?b=c").webhook_log_url("https://example.com")),
        ("no limits", Tenant::new().limits(Limits::off())),
        ("recovery codes are implied", acting(ActionSettings::new().methods([Passkey, RecoveryCode]))),
        ("a default of those offered", acting(ActionSettings::new().default_method(Sms))),
        ("a rule", ruled(rule().id(ID).priority(99).methods([Sms]).default_method(Sms).prompt_to_enroll([Passkey]))),
        ("one priority on two actions", ruled(rule().priority(1)).rule(Rule::new("s").on("read").priority(1))),
        ("an action twice", ruled(rule().on("pay").priority(1))),
        ("two without a priority", ruled(rule()).rule(rule())),
        ("two networks", Tenant::new().network(Network::new("::/0")).network(Network::new("10.0.0.1"))),
        ("a user", Tenant::new().user(user.methods([EmailOtp, Sms, AuthenticatorApp]).default_method(Sms))),
        ("clients", Tenant::new().app_client(AppClient::new("a").claim("plan", "pro")).app_client(AppClient::new("b"))),
    ] {
        assert_eq!(tenant.check(), Ok(()), "{name}");
    }
}

#[test]
fn what_does_not() {
    let zero = Duration::ZERO;
    let long = Duration::from_secs(11 * 366 * 86_400);
    let hook = |url: &str| Tenant::new().webhook_url(url);
    let action = ActionSettings::new;
    let unknown = || VerificationMethod::from("EMAIL");
    let client = AppClient::new;
    let net = |cidr: &str| Tenant::new().network(Network::new(cidr));
    let user = |user: NewUser| Tenant::new().user(user);
    let ttl = "it is 1s at least and ten years at most";
    let table: Vec<(Tenant, String)> = vec![
        (Tenant::new().id("tenant"), "tenant.id: invalid value \"tenant\": a UUID is asked for".into()),
        (Tenant::new().name(" "), "tenant.name: invalid value \" \": a name is asked for, on one line".into()),
        (Tenant::new().name("a\nb"), "tenant.name: invalid value \"a\\nb\": a name is asked for, on one line".into()),
        (
            offering([EmailOtp, unknown()]),
            "tenant.methods[1]: unknown method \"EMAIL\"; one of EMAIL_OTP, EMAIL_MAGIC_LINK, SMS, WHATSAPP, \
             AUTHENTICATOR_APP, PASSKEY, SECURITY_KEY, PUSH, QR_CODE"
                .into(),
        ),
        (offering([Sms, EmailOtp, Sms]), "tenant.methods[2]: SMS is taken by tenant.methods[0]".into()),
        (
            Tenant::new().verification_code_length(11),
            "tenant.verification_code_length: invalid value 11: a code has 2 to 10 digits".into(),
        ),
        (
            Tenant::new().verification_code_length(1),
            "tenant.verification_code_length: invalid value 1: a code has 2 to 10 digits".into(),
        ),
        (Tenant::new().code_ttl(zero), format!("tenant.code_ttl: invalid value 0ns: {ttl}")),
        (Tenant::new().token_ttl(long), format!("tenant.token_ttl: invalid value {long:?}: {ttl}")),
        (
            Tenant::new().locale("English!"),
            "tenant.locale: invalid value \"English!\": a language tag is asked for, such as \"en-NZ\"".into(),
        ),
        (
            Tenant::new().custom_domain("a.example").custom_domain("https://b.example"),
            "tenant.custom_domains[1]: invalid value \"https://b.example\": a host name in small letters is asked for, such \
             as \"auth.example.com\""
                .into(),
        ),
        (
            Tenant::new().relying_party_id("127.0.0.1"),
            "tenant.relying_party_id: invalid value \"127.0.0.1\": a host name in small letters is asked for, such as \
             \"auth.example.com\""
                .into(),
        ),
        (
            Tenant::new().second_secret("hush hush"),
            "tenant.second_secret: invalid value: a secret is not empty, and has no space, colon or control character".into(),
        ),
        (
            hook("ftp://a.example/"),
            "webhooks.url: invalid value \"ftp://a.example/\": an http or https URL is asked for".into(),
        ),
        (
            hook("http://user:hush@/x?key=hush"),
            "webhooks.url: invalid value \"http:///x\": an http or https URL is asked for".into(),
        ),
        (hook("http://a b/"), "webhooks.url: invalid value \"http://a b/\": an http or https URL is asked for".into()),
        (
            Tenant::new().webhook_log_url("/logs"),
            "webhooks.log_url: invalid value \"/logs\": an http or https URL is asked for".into(),
        ),
        (
            Tenant::new().webhook_timeout(zero),
            "webhooks.timeout: invalid value 0ns: it is 1ms at least and ten years at most".into(),
        ),
        (Tenant::new().limits(Limits::off().send_window(zero)), format!("limits.send_window: invalid value 0ns: {ttl}")),
        (Tenant::new().limits(Limits::new().verify_window(zero)), format!("limits.verify_window: invalid value 0ns: {ttl}")),
        (
            Tenant::new().action("sign in", action()),
            "actions.\"sign in\": invalid value \"sign in\": an action code has only letters, digits, `_` and `-`".into(),
        ),
        (
            offering([Sms]).action("pay", action().methods([Sms, Passkey])),
            "actions.pay.methods[1]: PASSKEY is not among tenant.methods".into(),
        ),
        (
            acting(action().methods([RecoveryCode])).recovery_codes(false),
            "actions.pay.methods[0]: RECOVERY_CODE is not among tenant.methods".into(),
        ),
        (
            acting(action().methods([Sms]).default_method(Passkey)),
            "actions.pay.default_method: PASSKEY is not among actions.pay.methods".into(),
        ),
        (
            offering([Sms]).action("pay", action().default_method(Passkey)),
            "actions.pay.default_method: PASSKEY is not among tenant.methods".into(),
        ),
        (
            acting(action().prompt_to_enroll([RecoveryCode])),
            "actions.pay.prompt_to_enroll[0]: RECOVERY_CODE is not among tenant.methods".into(),
        ),
        (
            acting(action().verification_webhook_url("mailto:a")),
            "actions.pay.verification_webhook_url: invalid value \"mailto:a\": an http or https URL is asked for".into(),
        ),
        (ruled(rule().id("1")), "rules[0].id: invalid value \"1\": a UUID is asked for".into()),
        (ruled(rule().id(ID)).rule(rule().id(ID)), format!("rules[1].id: \"{ID}\" is taken by rules[0].id")),
        (ruled(Rule::new("").on("pay")), "rules[0].name: invalid value \"\": a name is asked for, on one line".into()),
        (ruled(Rule::new("r")), "rules[0].actions: missing: a rule applies to the actions that it names".into()),
        (ruled(rule().on("")), "rules[0].actions[1]: invalid value \"\": it is empty".into()),
        (ruled(rule().priority(100)), "rules[0].priority: invalid value 100: a priority is 0 to 99".into()),
        (
            ruled(rule().priority(7)).rule(rule().priority(8)).rule(Rule::new("s").on("read").on("pay").priority(7)),
            "rules[2].priority: 7 of pay is taken by rules[0].priority".into(),
        ),
        (
            ruled(rule().methods([Sms]).default_method(Passkey)),
            "rules[0].default_method: PASSKEY is not among rules[0].methods".into(),
        ),
        (
            when("ip.adress", Condition::exists()),
            "rules[0].when.ip.adress: unknown variable \"ip.adress\"; one of ip.address, ip.isAnonymous, \
             ip.countryCode, ip.countryCodeInOfacList, ip.impossibleTravel, ip.atypicalTravel, device.id, \
             device.isNew, device.isBot, device.isRemembered, user.id, user.isEnrolled, user.hasPreviouslyVerified, \
             user.email, custom.<name>"
                .into(),
        ),
        (
            when("custom.amount", Condition::gt(f64::NAN)),
            "rules[0].when.custom.amount.gt: a finite number is asked for".into(),
        ),
        (when("device.isNew", Condition::gt(1)), "rules[0].when.device.isNew.gt: this variable is not a number".into()),
        (
            when("device.isNew", Condition::eq("true")),
            "rules[0].when.device.isNew.eq: true or false is asked for".into(),
        ),
        (when("user.id", Condition::ne(7)), "rules[0].when.user.id.ne: a text is asked for".into()),
        (
            when("device.isBot", Condition::contains("a")),
            "rules[0].when.device.isBot.contains: this variable is not a text".into(),
        ),
        (
            when("ip.address", Condition::one_of(["10.0.0.0/8", "10.0.0.0/33"])),
            "rules[0].when.ip.address.in: an address or a network is asked for, such as \"203.0.113.0/24\"".into(),
        ),
        (
            when("custom.tier", Condition::none_of(Vec::<String>::new())),
            "rules[0].when.custom.tier.not_in: the list is empty".into(),
        ),
        (
            when("custom.tier", Condition::one_of([serde_json::json!(1), serde_json::json!("a")])),
            "rules[0].when.custom.tier.in: the list has values of several types".into(),
        ),
        (
            when("custom.tags", Condition::eq(vec!["a"])),
            "rules[0].when.custom.tags.eq: a text, a finite number, true or false is asked for".into(),
        ),
        (
            ruled(rule().any([When::new("user.id", Condition::eq("a")), When::default()])),
            "rules[0].any[1]: an alternative without a condition always holds".into(),
        ),
        (
            ruled(rule().any([When::new("user.id", Condition::eq("a")).and("custom.", Condition::exists())])),
            "rules[0].any[0].custom.\"\": unknown variable".into(),
        ),
        (
            Tenant::new().app_client(client("")),
            "app_clients[0].id: invalid value \"\": an id without spaces is asked for".into(),
        ),
        (
            Tenant::new().app_client(client("a")).app_client(client("a")),
            "app_clients[1].id: \"a\" is taken by app_clients[0].id".into(),
        ),
        (
            Tenant::new().app_client(client("a").access_ttl(zero)),
            format!("app_clients[0].access_ttl: invalid value 0ns: {ttl}"),
        ),
        (
            Tenant::new().app_client(client("a").refresh_ttl(zero)),
            format!("app_clients[0].refresh_ttl: invalid value 0ns: {ttl}"),
        ),
        (
            Tenant::new().app_client(client("a").claim("sub", "eve")),
            "app_clients[0].claims.sub: invalid value \"sub\": every token has this claim of its own".into(),
        ),
        (
            net("10.0.0.0/33"),
            "networks[0].cidr: invalid value \"10.0.0.0/33\": a network is asked for, such as \"203.0.113.0/24\"".into(),
        ),
        (net("::/0").network(Network::new("::/0")), "networks[1].cidr: \"::/0\" is taken by networks[0].cidr".into()),
        (
            Tenant::new().network(Network::new("::/0").country_code("nz")),
            "networks[0].country_code: invalid value \"nz\": two capital letters are asked for, such as \"NZ\"".into(),
        ),
        (user(NewUser::new("..")), "users[0].id: invalid value \"..\": it is `.` or `..`".into()),
        (user(ada()).user(ada()), "users[1].id: \"ada\" is taken by users[0].id".into()),
        (user(ada().email("@b")), "users[0].email: invalid value \"@b\": an e-mail address is asked for".into()),
        (user(ada().email("a@b@c")), "users[0].email: invalid value \"a@b@c\": an e-mail address is asked for".into()),
        (user(ada().email("a b@c")), "users[0].email: invalid value \"a b@c\": an e-mail address is asked for".into()),
        (
            user(ada().phone_number("0270000000")),
            "users[0].phone_number: invalid value \"0270000000\": a number in E.164 form is asked for, such as \
             \"+64270000000\""
                .into(),
        ),
        (user(ada().phone_number("+642700x0000")), "users[0].phone_number: invalid value \"+642700x0000\": a number".into()),
        (user(ada().locale("e")), "users[0].locale: invalid value \"e\": a language tag".into()),
        (
            user(ada().otp_secret("hush hush")),
            "users[0].otp_secret: invalid value: a secret in base 32 is asked for, such as authenticator apps take".into(),
        ),
        (user(ada().methods([EmailOtp])), "users[0].email: missing: the user has EMAIL_OTP enrolled".into()),
        (user(ada().methods([Sms])), "users[0].phone_number: missing: the user has SMS enrolled".into()),
        (
            user(ada().methods([AuthenticatorApp])),
            "users[0].otp_secret: missing: the user has AUTHENTICATOR_APP enrolled".into(),
        ),
        (
            user(ada().methods([Passkey])),
            "users[0].methods[0]: invalid value \"PASSKEY\": it takes a device to enrol this".into(),
        ),
        (
            offering([Sms]).user(ada().email("a@b").methods([EmailOtp])),
            "users[0].methods[0]: EMAIL_OTP is not among tenant.methods".into(),
        ),
        (
            user(ada().email("a@b").methods([EmailOtp]).default_method(Sms)),
            "users[0].default_method: SMS is not among users[0].methods".into(),
        ),
    ];
    for (tenant, expected) in table {
        let why = tenant.check().expect_err(&expected);
        let said = why.to_string();
        // A long explanation is given in full once.
        assert!(said.starts_with(&expected), "{said}\nin place of\n{expected}");
        assert!(said.starts_with(&format!("{}: ", why.setting())), "{said}");
        assert!(!said.contains("hush"), "{said}");
    }
}

#[test]
fn the_smallest_network_speaks_for_an_address() {
    let tenant = Tenant::new()
        .network(Network::new("203.0.113.0/24").country_code("NZ"))
        .network(Network::new("203.0.113.7").country_code("AU"))
        .network(Network::new("203.0.0.0/16").country_code("US"))
        .network(Network::new("203.0.113.0/24").country_code("XX"))
        .network(Network::new("2001:db8::/32").country_code("CH"))
        .network(Network::new("no network").country_code("XX"));
    for (address, country) in [
        ("203.0.113.7", Some("AU")),
        ("::ffff:203.0.113.7", Some("AU")),
        ("203.0.113.8", Some("NZ")),
        ("203.0.1.1", Some("US")),
        ("198.51.100.1", None),
        ("2001:db8::1", Some("CH")),
        ("2001:db9::1", None),
        ("no address", None),
    ] {
        let network = tenant.network_of(address);
        assert_eq!(network.and_then(|network| network.country_code.as_deref()), country, "{address}");
    }
}

#[test]
fn passkeys_are_for_a_name() {
    for (id, origin, expected) in [
        (None, "http://127.0.0.1:4010", "localhost"),
        (None, "http://[::1]:4010", "localhost"),
        (None, "http://localhost:4010", "localhost"),
        (None, "https://mfa.example.com", "mfa.example.com"),
        (Some("example.com"), "https://mfa.example.com", "example.com"),
    ] {
        let mut tenant = Tenant::new();
        tenant.relying_party_id = id.map(str::to_owned);
        assert_eq!(tenant.relying_party(&Url::parse(origin).unwrap()), expected, "{id:?} {origin}");
    }
}

#[test]
fn what_an_action_says_goes_before_the_tenant() {
    let tenant = Tenant::new()
        .default_outcome(Outcome::Review)
        .methods([EmailOtp, Passkey, Sms])
        .action("plain", ActionSettings::new())
        .action(
            "own",
            ActionSettings::new()
                .outcome(Outcome::Allow)
                .methods([Sms, Passkey])
                .default_method(Passkey)
                .prompt_to_enroll([Passkey]),
        );
    let facts = Facts::new("ada");
    for action in ["plain", "never heard of"] {
        let decision = tenant.decide(action, &facts);
        assert_eq!((decision.outcome, decision.default_method), (Outcome::Review, None), "{action}");
        assert_eq!((decision.methods, decision.prompt_to_enroll), (vec![EmailOtp, Passkey, Sms], vec![]));
    }
    let decision = tenant.decide("own", &facts);
    assert_eq!((decision.outcome, decision.default_method), (Outcome::Allow, Some(Passkey)));
    assert_eq!((decision.methods, decision.prompt_to_enroll), (vec![Sms, Passkey], vec![Passkey]));
    assert!(decision.matched.is_empty() && decision.output.is_empty());
}

#[test]
fn secrets_are_not_shown() {
    let user = NewUser::new("ada").otp_secret("JBSWY3DPEHPK3PXP");
    let shown = format!("{:?}", Tenant::new().second_secret("hush-hush").user(user));
    assert!(!shown.contains("hush") && !shown.contains("JBSWY3DPEHPK3PXP"), "{shown}");
}
