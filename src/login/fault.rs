//! Why a login, a token or a logout is refused: a word for the log, and nothing that an attacker could learn from.

/// A reason. The browser is told none of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Fault {
    /// A parameter is missing, said twice or too long.
    #[error("parameters")]
    Parameters,
    /// No login was begun in this browser with this state, or it was used already.
    #[error("state")]
    State,
    /// The login was begun too long ago.
    #[error("late")]
    Late,
    /// The login was begun at another tenant.
    #[error("other_tenant")]
    OtherTenant,
    /// The answer is not of the issuer that was asked, or does not say of which it is.
    #[error("issuer_mismatch")]
    IssuerMismatch,
    /// The realm refused.
    #[error("denied")]
    Denied,
    /// The realm did not redeem the code.
    #[error("code")]
    Code,
    /// The realm can't be reached, or says what can't be.
    #[error("provider")]
    Provider,
    /// The realm does not announce PKCE with S256.
    #[error("no_pkce")]
    NoPkce,
    /// The realm did not take the request that was pushed.
    #[error("not_pushed")]
    NotPushed,
    /// Not a signed token.
    #[error("malformed")]
    Malformed,
    /// Signed with an algorithm that its key is not for.
    #[error("algorithm")]
    Algorithm,
    /// Its header wants what is never done, or is of another kind of token.
    #[error("header")]
    Header,
    /// No key of the realm is meant, or more than one could be.
    #[error("unknown_key")]
    UnknownKey,
    /// The signature is not of that key.
    #[error("signature")]
    Signature,
    /// It is of another issuer.
    #[error("issuer")]
    Issuer,
    /// It is for somebody else.
    #[error("audience")]
    Audience,
    /// Its time is over, not yet come, or not said.
    #[error("time")]
    Time,
    /// It belongs to another login.
    #[error("nonce")]
    Nonce,
    /// The access token that came with it is not the one that it says.
    #[error("access_token")]
    AccessToken,
    /// It says of nobody, or of somebody else.
    #[error("subject")]
    Subject,
    /// It is another kind of token.
    #[error("kind")]
    Kind,
    /// It was shown before.
    #[error("replayed")]
    Replayed,
    /// It is bound to a key or a certificate, and was shown without a proof of that.
    #[error("bound")]
    Bound,
    /// The proof that came with it is none, or is for another request or token.
    #[error("proof")]
    Proof,
    /// It has roles that were not asked for.
    #[error("roles")]
    Roles,
    /// The user has no seat of the product.
    #[error("no_seat")]
    NoSeat,
    /// The request comes from another site.
    #[error("cross_site")]
    CrossSite,
    /// The database of sessions can't be used, or there is room for no more of them.
    #[error("store")]
    Store,
    /// Too many logins were begun from this address, or at this tenant.
    #[error("rate")]
    Rate,
    /// All concurrent seats are taken.
    #[error("seats_taken")]
    SeatsTaken,
    /// The seat of this session was given to another one.
    #[error("seat_lost")]
    SeatLost,
    /// The tenant's users do not come from this address.
    #[error("address")]
    Address,
    /// The tenant is suspended.
    #[error("suspended")]
    Suspended,
    /// The tenant's licences have expired.
    #[error("expired")]
    Expired,
}

impl Fault {
    /// Its word.
    pub fn word(self) -> String {
        self.to_string()
    }
}
