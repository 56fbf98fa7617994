//! Devices of a user: listed, renamed, invalidated.
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::client::Client;
use crate::error::Error;
use crate::ids::user_id_of;
use crate::other::{OtherMembers, takes_other_members};
use crate::types::{Timestamp, VerificationMethod};

/// A device of a user, from [`Client::get_devices`] and the calls that change one (API reference, devices).
///
/// One appears when a track or the use of a passkey names it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Device {
    /// The user's id.
    pub user_id: String,
    /// The device's id: what was given to [`Track::device_id`](crate::Track::device_id).
    pub device_id: String,
    /// The time at which it was seen first.
    pub created_at: Timestamp,
    /// The time at which the user verified on it last.
    pub authenticated_at: Option<Timestamp>,
    /// The time at which it was invalidated.
    pub invalidated_at: Option<Timestamp>,
    /// Until when rules find it remembered (`device.isRemembered`).
    pub remembered_until: Option<Timestamp>,
    /// With what the user proved themselves on it last.
    pub last_verification_method: Option<VerificationMethod>,
    /// Members that this version does not know.
    #[serde(flatten)]
    pub other: OtherMembers,
}

/// How a device is remembered, for [`Client::update_device`].
///
/// # Examples
///
/// ```
/// use std::time::{Duration, SystemTime};
///
/// use authsignal_client::UpdateDevice;
///
/// let remember = UpdateDevice::remembered_until(SystemTime::now() + Duration::from_secs(30 * 24 * 3600));
/// let forget = UpdateDevice::forgotten();
/// ```
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[must_use]
pub struct UpdateDevice {
    /// Sent even where it is `None`: that `null` is what forgets.
    remembered_until: Option<Timestamp>,
    #[serde(skip)]
    other: OtherMembers,
}

takes_other_members!(UpdateDevice);

impl UpdateDevice {
    /// It is remembered until a moment in the future.
    pub fn remembered_until(moment: impl Into<Timestamp>) -> Self {
        Self { remembered_until: Some(moment.into()), other: OtherMembers::default() }
    }

    /// It is not remembered any more.
    pub fn forgotten() -> Self {
        Self { remembered_until: None, other: OtherMembers::default() }
    }
}

impl From<SystemTime> for UpdateDevice {
    fn from(moment: SystemTime) -> Self {
        Self::remembered_until(moment)
    }
}

impl From<Timestamp> for UpdateDevice {
    fn from(moment: Timestamp) -> Self {
        Self::remembered_until(moment)
    }
}

impl From<Option<SystemTime>> for UpdateDevice {
    /// Remembers it until a moment, or forgets it.
    fn from(moment: Option<SystemTime>) -> Self {
        Self { remembered_until: moment.map(Timestamp::from), other: OtherMembers::default() }
    }
}

impl Client {
    /// Lists the devices of a user: `GET /users/{userId}/devices`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not a [`UserId`](crate::UserId);
    /// else as [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// for device in client.get_devices("user-1").await? {
    ///     println!("{} since {}", device.device_id, device.created_at.as_str());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub async fn get_devices(&self, user_id: impl AsRef<str>) -> Result<Vec<Device>, Error> {
        let user = user_id_of(user_id.as_ref())?;
        self.transport.run_list(&self.transport.get(&["users", user, "devices"])?.about_many()).await
    }

    /// Remembers a device, or forgets it: `PATCH /users/{userId}/devices/{deviceId}`.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](Error::is_not_found) when there is no such device;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not one; else as
    /// [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// use std::time::{Duration, SystemTime};
    ///
    /// use authsignal_client::UpdateDevice;
    ///
    /// let device = "a46b7c1e-7d1c-4b9b-9a57-0a8d1f1c2b3d";
    /// client.update_device("user-1", device, SystemTime::now() + Duration::from_secs(3600)).await?;
    /// client.update_device("user-1", device, UpdateDevice::forgotten()).await?;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn update_device(
        &self,
        user_id: impl AsRef<str>,
        device_id: impl AsRef<str>,
        request: impl Into<UpdateDevice>,
    ) -> Result<Device, Error> {
        let user = user_id_of(user_id.as_ref())?;
        let segments = ["users", user, "devices", device_id.as_ref()];
        self.transport.run(&self.transport.patch(&segments, &request.into())?.safe_to_repeat()).await
    }

    /// Invalidates a device, which the user has lost for example: `POST /users/{userId}/devices/{deviceId}/invalidate`.
    ///
    /// # Errors
    ///
    /// [`is_not_found`](Error::is_not_found) when there is no such device;
    /// [`ErrorKind::InvalidInput`](crate::ErrorKind::InvalidInput) for an id that is not one; else as
    /// [`ErrorKind`](crate::ErrorKind) says.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// # async fn example(client: authsignal_client::Client) -> Result<(), authsignal_client::Error> {
    /// let device = client.invalidate_device("user-1", "a46b7c1e-7d1c-4b9b-9a57-0a8d1f1c2b3d").await?;
    /// assert!(device.invalidated_at.is_some());
    /// # Ok(())
    /// # }
    /// ```
    pub async fn invalidate_device(
        &self,
        user_id: impl AsRef<str>,
        device_id: impl AsRef<str>,
    ) -> Result<Device, Error> {
        let user = user_id_of(user_id.as_ref())?;
        let segments = ["users", user, "devices", device_id.as_ref(), "invalidate"];
        self.transport.run(&self.transport.post_nothing(&segments)?.safe_to_repeat()).await
    }
}
