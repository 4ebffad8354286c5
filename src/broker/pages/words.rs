//! What the pages say, in each language.

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::broker) enum Language {
    English,
    German,
}

impl Language {
    /// The first of a browser's languages that there is.
    pub(in crate::broker) fn of(accepted: &str) -> Self {
        let mut asked = accepted.split(',').map(|part| part.trim().split(['-', ';']).next().unwrap_or_default());
        let known = asked.find_map(|code| match code {
            "de" => Some(Self::German),
            "en" => Some(Self::English),
            _ => None,
        });
        known.unwrap_or(Self::English)
    }

    pub(super) fn words(self) -> &'static Words {
        match self {
            Self::English => &ENGLISH,
            Self::German => &GERMAN,
        }
    }
}

/// What pages say.
pub(super) struct Words {
    pub(super) code: &'static str,
    pub(super) sign_in: &'static str,
    pub(super) sign_out: &'static str,
    pub(super) signed_in: &'static str,
    pub(super) signed_out: &'static str,
    pub(super) signed_out_text: &'static str,
    pub(super) organization: &'static str,
    pub(super) organization_hint: &'static str,
    pub(super) or_address: &'static str,
    pub(super) or_address_hint: &'static str,
    pub(super) user: &'static str,
    pub(super) go_on: &'static str,
    pub(super) go_on_at: &'static str,
    pub(super) nobody: &'static str,
    pub(super) nobody_text: &'static str,
    pub(super) failed: &'static str,
    pub(super) failed_text: &'static str,
    pub(super) shut: &'static str,
    pub(super) suspended_text: &'static str,
    pub(super) expired_text: &'static str,
    pub(super) taken: &'static str,
    pub(super) taken_text: &'static str,
    pub(super) seat_lost_text: &'static str,
    pub(super) many: &'static str,
    pub(super) many_text: &'static str,
    pub(super) blocked: &'static str,
    pub(super) blocked_text: &'static str,
    pub(super) no_seat: &'static str,
    pub(super) no_seat_text: &'static str,
    pub(super) away: &'static str,
    pub(super) away_text: &'static str,
    pub(super) again: &'static str,
    pub(super) reference: &'static str,
    pub(super) or: &'static str,
    pub(super) legal: &'static str,
    pub(super) terms: &'static str,
    pub(super) privacy: &'static str,
}

const ENGLISH: Words = Words {
    code: "en",
    sign_in: "Sign in",
    sign_out: "Sign out",
    signed_in: "You are signed in",
    signed_out: "You are signed out",
    signed_out_text: "You can close this window.",
    organization: "Organization",
    organization_hint: "The short name of where you work, as your administrator gave it to you.",
    or_address: "Organization or e-mail address",
    or_address_hint: "The short name of where you work, or your e-mail address there.",
    user: "User",
    go_on: "Continue",
    go_on_at: "Continue at",
    nobody: "Nothing is here",
    nobody_text: "Check the name of your organization, or ask your administrator for the address.",
    failed: "The sign-in was not completed",
    failed_text: "It may have taken too long, or have been begun in another window. Begin again.",
    shut: "This organization is closed",
    suspended_text: "It has been suspended. Your administrator knows more.",
    expired_text: "Its licences have expired. Your administrator can renew them.",
    taken: "No seat is free",
    taken_text: "All seats of your organization are taken. Try again when somebody has signed out.",
    seat_lost_text: "Your seat was given to somebody who came after you. Sign in again to take one.",
    many: "Too many sign-ins",
    many_text: "Many were begun in a short time. Wait a minute, then begin again.",
    blocked: "You can’t sign in from here",
    blocked_text: "Your organization lets its users in from its own networks only.",
    no_seat: "You have no seat here",
    no_seat_text: "Whoever manages the licences of your organization can give you one. It counts within a minute.",
    away: "Sign-in is not possible right now",
    away_text: "Wait a moment, then begin again.",
    again: "Begin again",
    reference: "Reference for your administrator:",
    or: "or",
    legal: "Legal",
    terms: "Terms of use",
    privacy: "Privacy policy",
};

const GERMAN: Words = Words {
    code: "de",
    sign_in: "Anmelden",
    sign_out: "Abmelden",
    signed_in: "Sie sind angemeldet",
    signed_out: "Sie sind abgemeldet",
    signed_out_text: "Sie können dieses Fenster schließen.",
    organization: "Organisation",
    organization_hint: "Der Kurzname Ihrer Organisation, wie ihn Ihre Administration Ihnen genannt hat.",
    or_address: "Organisation oder E-Mail-Adresse",
    or_address_hint: "Der Kurzname Ihrer Organisation, oder Ihre E-Mail-Adresse dort.",
    user: "Benutzer",
    go_on: "Weiter",
    go_on_at: "Weiter bei",
    nobody: "Hier ist nichts",
    nobody_text: "Prüfen Sie den Namen Ihrer Organisation, oder fragen Sie Ihre Administration nach der Adresse.",
    failed: "Die Anmeldung wurde nicht abgeschlossen",
    failed_text: "Vielleicht hat sie zu lange gedauert oder wurde in einem anderen Fenster begonnen. Beginnen Sie neu.",
    shut: "Diese Organisation ist geschlossen",
    suspended_text: "Sie ist gesperrt. Ihre Administration weiß mehr.",
    expired_text: "Ihre Lizenzen sind abgelaufen. Ihre Administration kann sie verlängern.",
    taken: "Kein Platz ist frei",
    taken_text: "Alle Plätze Ihrer Organisation sind vergeben. Versuchen Sie es wieder, wenn sich jemand abgemeldet hat.",
    seat_lost_text: "Ihr Platz ging an jemanden, der nach Ihnen kam. Melden Sie sich neu an, um einen zu bekommen.",
    many: "Zu viele Anmeldungen",
    many_text: "In kurzer Zeit wurden viele begonnen. Warten Sie eine Minute und beginnen Sie neu.",
    blocked: "Von hier aus ist keine Anmeldung möglich",
    blocked_text: "Ihre Organisation lässt nur Anmeldungen aus ihren eigenen Netzen zu.",
    no_seat: "Sie haben hier keinen Platz",
    no_seat_text: "Wer die Lizenzen Ihrer Organisation verwaltet, kann Ihnen einen geben. Er gilt binnen einer Minute.",
    away: "Eine Anmeldung ist gerade nicht möglich",
    away_text: "Warten Sie einen Augenblick und beginnen Sie neu.",
    again: "Neu beginnen",
    reference: "Angabe für Ihre Administration:",
    or: "oder",
    legal: "Rechtliches",
    terms: "Nutzungsbedingungen",
    privacy: "Datenschutzerklärung",
};
