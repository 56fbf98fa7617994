//! What the callback's address asks for.
use crate::budget::Budget;
use crate::domain::flow::Unproven;
use crate::domain::ticket::Ticket;
use crate::outage::Outage;
use crate::redeem::is_token;
use crate::refusal::RefusalReason;

/// The longest query that is looked at, in bytes.
const MAX_QUERY: usize = 8 * 1024;

/// The parameter with a sealed token.
pub(super) const CARRIED: &str = "kept";

/// What the address asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) ticket: Ticket,
    pub(super) token: Option<String>,
    /// A token that was sealed because the store could not take it.
    pub(super) carried: Option<String>,
    /// Whether this is the second try, from a page of our own.
    pub(super) hopped: bool,
    /// What came of a token that is out of the address by now, where the flow's record does not say so. It chooses the words
    /// for a flow that waits, and nothing else.
    pub(super) outcome: Option<RefusalReason>,
}

impl Query {
    /// Takes exactly one flow and at most one token, of sane size and characters (threat T11). Parameters that we do not
    /// know are ignored: the service may add some.
    pub(super) fn parse(query: &str) -> Option<Self> {
        if query.len() > MAX_QUERY {
            return None;
        }
        let (mut ticket, mut token, mut carried, mut hopped, mut outcome) = (None, None, None, false, None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "flow" if ticket.is_none() => ticket = Some(Ticket::parse(&value)?),
                "token" if token.is_none() && is_token(&value) => token = Some(value.into_owned()),
                "flow" | "token" => return None,
                CARRIED => carried = carried.or_else(|| Some(value.into_owned())),
                "hop" => hopped = true,
                "outcome" => outcome = outcome.or_else(|| reason_of(&value)),
                _ => {}
            }
        }
        Some(Self { ticket: ticket?, token, carried, hopped, outcome })
    }
}

/// Whether a client without a cookie has its user come back here, and if so, whether with a token.
pub(super) fn is_bearers(query: &str) -> Option<bool> {
    (has(query, "bearer") && !has(query, "flow")).then(|| has_token(query))
}

/// Whether there is a token in the address, or what is called one.
pub(super) fn has_token(query: &str) -> bool {
    has(query, "token")
}

fn has(query: &str, wanted: &str) -> bool {
    form_urlencoded::parse(query.as_bytes()).any(|(name, _)| name == wanted)
}

/// What may come of a token and stand in no record, by its name in an address of ours.
const OUTCOMES: [(&str, RefusalReason); 16] = [
    ("unproven", RefusalReason::Unproven(Unproven::Token)),
    ("other-user", RefusalReason::Unproven(Unproven::User)),
    ("other-action", RefusalReason::Unproven(Unproven::Action)),
    ("other-attempt", RefusalReason::Unproven(Unproven::Attempt)),
    ("contradiction", RefusalReason::Unproven(Unproven::Contradiction)),
    ("expired", RefusalReason::Unproven(Unproven::Expired)),
    ("tries", RefusalReason::OverBudget(Budget::Validates)),
    ("connect", RefusalReason::Outage(Outage::Connect)),
    ("timeout", RefusalReason::Outage(Outage::Timeout)),
    ("server", RefusalReason::Outage(Outage::Server)),
    ("interrupted", RefusalReason::Outage(Outage::Interrupted)),
    ("rate-limited", RefusalReason::Outage(Outage::RateLimited)),
    ("rejected", RefusalReason::Outage(Outage::Rejected)),
    ("malformed", RefusalReason::Outage(Outage::Malformed)),
    ("overloaded", RefusalReason::Outage(Outage::Overloaded)),
    ("store", RefusalReason::Outage(Outage::Store)),
];

/// The name of an outcome; none where the flow's own page says it by itself.
pub(super) fn code_of(reason: &RefusalReason) -> Option<&'static str> {
    OUTCOMES.iter().find(|(_, outcome)| outcome == reason).map(|(code, _)| *code)
}

fn reason_of(code: &str) -> Option<RefusalReason> {
    OUTCOMES.iter().find(|(known, _)| *known == code).map(|(_, reason)| reason.clone())
}

#[cfg(test)]
mod fuzz;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redeem::MAX_TOKEN;

    /// T11: doubled, oversized, empty and strange parameters are refused before anything is asked.
    #[test]
    fn t11_only_one_flow_and_one_plain_token_are_taken() {
        let flow = format!("flow={}", Ticket::random());
        let parsed = Query::parse(&format!("{flow}&token=eyJ.a-b_c~1.x&other=%FF")).unwrap();
        assert_eq!(parsed.token.as_deref(), Some("eyJ.a-b_c~1.x"));
        assert!(Query::parse(&flow).unwrap().token.is_none());
        assert!(Query::parse(&format!("{flow}&hop=1")).unwrap().hopped);
        let outcome = |code: &str| Query::parse(&format!("{flow}&outcome={code}")).unwrap().outcome;
        for (code, reason) in &OUTCOMES {
            assert_eq!((outcome(code).as_ref(), code_of(reason)), (Some(reason), Some(*code)));
        }
        assert_eq!((outcome(""), outcome("approved"), outcome("server%00")), (None, None, None));
        let long_token = format!("{flow}&token={}", "a".repeat(MAX_TOKEN + 1));
        assert!(Query::parse(&format!("{flow}&token={}", "a".repeat(4096))).is_some());
        let longest_query = format!("{:a<8192}", format!("{flow}&x="));
        assert!(Query::parse(&longest_query).is_some());
        let long_query = format!("{longest_query}a");
        let bad = [
            "",
            "token=a",
            "flow=",
            "flow=a",
            "flow=a&token=b",
            "flow",
            &format!("{flow}&{flow}"),
            &format!("{flow}&token=a&token=b"),
            &format!("{flow}&token=a&token=a"),
            &format!("{flow}&token=a&%74oken=b"),
            &format!("{flow}&token="),
            &format!("{flow}&token"),
            &format!("{flow}&token=a%00"),
            &format!("{flow}&token=a%0d%0ab"),
            &format!("{flow}&token=a+b"),
            &format!("{flow}&token=%FF"),
            &format!("{flow}&token=<script>"),
            &format!("{flow}&token=a&token"),
            &format!("{flow}A"),
            &format!("{flow}%3D"),
            &long_token,
            &long_query,
        ];
        for query in bad {
            assert_eq!(Query::parse(query), None, "{query}");
        }
    }
}
