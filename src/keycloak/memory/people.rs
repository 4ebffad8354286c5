//! Users: their names and addresses, and what settings of the realm make of them.

use serde_json::Value;

use super::{Realm, Refusal};
use crate::state::{Kind, ObjectId};

impl Realm {
    /// A user as it is shown: by its address, where that stands for the name. It has its own one still.
    pub(super) fn shown_user(&self, user: &Value) -> Value {
        let mut shown = user.clone();
        if let Some(address) = self.name_of(user) {
            shown["username"] = address.into();
        }
        shown
    }

    /// The address of a user where it stands for the name.
    fn name_of(&self, user: &Value) -> Option<String> {
        let set = self.top["registrationEmailAsUsername"] == true && self.top["duplicateEmailsAllowed"] != true;
        user["email"].as_str().filter(|_| set).map(str::to_lowercase)
    }

    pub(super) fn insert_user(&mut self, mut user: Value) -> Result<String, Refusal> {
        self.check_address(&user, None)?;
        if let Some(address) = self.name_of(&user) {
            user["username"] = address.into();
        }
        self.insert(ObjectId::new(Kind::User, user["username"].as_str().unwrap_or_default()), user)
    }

    /// The user that is written to, under the name that it has then.
    pub(super) fn rename_user(&mut self, id: &str, body: &Value) -> Result<ObjectId, Refusal> {
        let user = self.by_id(Kind::User, id)?;
        self.check_address(body, Some(&user))?;
        let before = self.objects[&user].clone();
        let with_address = if body["email"].is_string() { body } else { &before };
        let name = match (self.name_of(with_address), body["username"].as_str()) {
            (Some(address), _) => address,
            (None, Some(name)) if name != user.key && self.top["editUsernameAllowed"] != true => {
                return Err((400, "error-user-attribute-read-only".into()));
            }
            (None, name) => name.unwrap_or(&user.key).to_owned(),
        };
        let renamed = ObjectId::new(Kind::User, name);
        if renamed != user {
            if self.objects.contains_key(&renamed) {
                return Err((409, "User exists with same username".into()));
            }
            self.objects.remove(&user);
            self.objects.insert(renamed.clone(), before);
        }
        Ok(renamed)
    }

    /// Two users of one address are refused, unless the realm allows that.
    fn check_address(&self, user: &Value, own: Option<&ObjectId>) -> Result<(), Refusal> {
        let Some(address) = user["email"].as_str().map(str::to_lowercase) else { return Ok(()) };
        let mut others = self.objects.iter().filter(|(id, _)| id.kind == Kind::User && own != Some(id));
        let taken = others.any(|(_, other)| other["email"] == address.as_str());
        if taken && self.top["duplicateEmailsAllowed"] != true {
            return Err((409, "User exists with same email".into()));
        }
        Ok(())
    }
}
