//! The texts of our pages, by what they say.
use authsignal_client::VerificationMethod;

use crate::domain::form::UnkeptReason;
use crate::domain::saved_request::NotKept;
use crate::refusal::RefusalReason;

/// A text of our pages, with the values that it needs. What it says in English stands behind each.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Text<'a> {
    /// "Continue"
    Continue,
    /// "Continue in a new window"
    ContinueInNewWindow,
    /// "Try again"
    TryAgain,
    /// "Cancel"
    Cancel,
    /// "Look again"
    LookAgain,
    /// "Somebody has looked at this, and it may go on. Nothing was done yet: continue with what you sent."
    Reviewed,
    /// "One last step"
    OneLastStep,
    /// "It is confirmed that it is you. Nothing was done yet: continue with what you sent."
    Resume,
    /// "This is good for 5 minutes.", with how many minutes there are; 0 is less than one.
    ContinueWithin(u64),
    /// "Action", before the name of an action.
    Action,
    /// "Yes", in what is shown of a [`Transaction`](crate::Transaction).
    Yes,
    /// "No"
    No,
    /// "Sent to", before an address.
    SentTo,
    /// "For your safety this was not kept. Please type it again:"
    TypeAgain,
    /// "These could not be kept: Receipt (file), Note (too long).", with the list of what [`Unkept`](Self::Unkept) says.
    NotKeptFields(&'a str),
    /// "Receipt (file)", with the name of a field and why it was not kept.
    Unkept(&'a str, UnkeptReason),
    /// "Choose the same again here, or go back to the form and send it once more as it was."
    ChooseAgain,
    /// "Back to the form"
    BackToForm,
    /// "One moment"
    OneMoment,
    /// "You are being taken back."
    BeingTakenBack,
    /// "Not confirmed yet"
    NotConfirmedYet,
    /// "You left before it was confirmed that it is you. Nothing was done."
    Left,
    /// "Already passed on"
    AlreadyPassedOn,
    /// "This was confirmed and passed on before. It was not passed on a second time."
    PassedOnBefore,
    /// "Look whether it was done before you send it again."
    LookWhetherDone,
    /// "Confirmed"
    Confirmed,
    /// "Go back to where you were: it can go on now. You may close this page."
    Approved,
    /// Why what was sent was not kept: "What you sent is of a kind that is not kept, such as a file."
    NotKept(NotKept),
    /// "Send the same once more within 5 minutes, and it goes through.", with how many minutes there are; 0 is less than one.
    SendAgainWithin(u64),
    /// "Please confirm it’s you"
    ConfirmItsYou,
    /// "This needs one more proof, which can’t be given inside this page."
    NotInsideThisPage,
    /// "Go back to the app"
    BackToApp,
    /// "You can close this page and go on where you were."
    CloseThisPage,
    /// "Go back and send it once more.", where we know no page to lead to.
    SendOnceMore,
    /// "What counts here: passkey, security key.", with the list of what [`Method`](Self::Method) says.
    MethodsNeeded(&'a str),
    /// "passkey", a way to confirm.
    Method(&'a VerificationMethod),
    /// The headline of a refusal.
    RefusalTitle(&'a RefusalReason),
    /// What a refusal means for the user.
    RefusalText(&'a RefusalReason),
}
