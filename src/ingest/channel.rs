//! The channel of a visit, by the conventions of the Google Analytics 4 default channel group.

/// How a visitor came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Channel {
    /// Neither referrer nor campaign.
    Direct,
    /// A search engine's results.
    OrganicSearch,
    /// A search engine's advertisements.
    PaidSearch,
    /// A social network's posts.
    OrganicSocial,
    /// A social network's advertisements.
    PaidSocial,
    /// A video site.
    OrganicVideo,
    /// A video site's advertisements.
    PaidVideo,
    /// A shop or price comparison.
    OrganicShopping,
    /// A shop's advertisements.
    PaidShopping,
    /// Newsletters and mail programs.
    Email,
    /// A link on another site.
    Referral,
    /// An answer of a language model.
    AiAssistant,
    /// Banners.
    Display,
    /// Partners who are paid for sales.
    Affiliates,
    /// Text messages.
    Sms,
    /// Podcasts and music.
    Audio,
    /// Push notifications.
    PushNotifications,
    /// A tagged link that fits no other channel.
    Campaign,
    /// Forums and question-and-answer sites.
    Forum,
}

impl Channel {
    /// Display name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Direct => "Direct",
            Self::OrganicSearch => "Organic search",
            Self::PaidSearch => "Paid search",
            Self::OrganicSocial => "Organic social",
            Self::PaidSocial => "Paid social",
            Self::OrganicVideo => "Organic video",
            Self::PaidVideo => "Paid video",
            Self::OrganicShopping => "Organic shopping",
            Self::PaidShopping => "Paid shopping",
            Self::Email => "Email",
            Self::Referral => "Referral",
            Self::AiAssistant => "AI assistants",
            Self::Display => "Display",
            Self::Affiliates => "Affiliates",
            Self::Sms => "SMS",
            Self::Audio => "Audio",
            Self::PushNotifications => "Push notifications",
            Self::Campaign => "Other campaigns",
            Self::Forum => "Forums",
        }
    }
}

/// What a channel is decided by; words are in lower case, absent ones empty.
pub(super) struct Signs<'a> {
    /// Kind of the source as `sources.tsv` names it, empty for unknown sources.
    pub(super) kind: &'a str,
    /// Value of `utm_medium`.
    pub(super) medium: &'a str,
    /// Value of `utm_campaign`.
    pub(super) campaign: &'a str,
    /// A click identifier that only advertisements carry.
    pub(super) is_paid_click: bool,
    /// There is a referrer from another site.
    pub(super) has_referrer: bool,
    /// There is a `utm_source`.
    pub(super) is_tagged: bool,
}

/// The channel that the signs point to: what is paid for first, then what the medium says, then the source.
pub(super) fn decide(signs: &Signs<'_>) -> Channel {
    paid(signs).or_else(|| by_medium(signs.medium)).unwrap_or_else(|| by_source(signs))
}

fn paid(signs: &Signs<'_>) -> Option<Channel> {
    // The display media include one of the paid media, and win where the source says nothing.
    let is_display = matches!(
        signs.medium,
        "display" | "banner" | "expandable" | "interstitial" | "cpm" | "dclid"
    );
    if !is_paid_medium(signs.medium) && !signs.is_paid_click {
        return is_display.then_some(Channel::Display);
    }
    Some(match signs.kind {
        _ if is_shopping_campaign(signs.campaign) => Channel::PaidShopping,
        "shopping" => Channel::PaidShopping,
        "search" => Channel::PaidSearch,
        "social" | "forum" => Channel::PaidSocial,
        "video" => Channel::PaidVideo,
        _ if is_display => Channel::Display,
        _ => Channel::Campaign,
    })
}

fn is_paid_medium(medium: &str) -> bool {
    medium.contains("cp") || medium.starts_with("paid") || matches!(medium, "ppc" | "retargeting")
}

/// `shop` or `shopping` in a campaign's name, but not as the end of `workshop` or `bishop`.
fn is_shopping_campaign(campaign: &str) -> bool {
    campaign.contains("shopping")
        || campaign.match_indices("shop").any(|(at, _)| {
            campaign
                .get(..at)
                .and_then(|before| before.bytes().next_back())
                .is_none_or(|byte| byte == b'e' || !byte.is_ascii_alphabetic())
        })
}

fn by_medium(medium: &str) -> Option<Channel> {
    Some(match medium {
        "social" | "social-network" | "social-media" | "sm" | "social network" | "social media"
        | "social_media" => Channel::OrganicSocial,
        "email" | "e-mail" | "e_mail" | "e mail" | "newsletter" | "mail" => Channel::Email,
        "affiliate" | "affiliates" => Channel::Affiliates,
        "audio" | "podcast" => Channel::Audio,
        "sms" => Channel::Sms,
        "organic" => Channel::OrganicSearch,
        "ai" | "ai-assistant" | "ai_assistant" | "llm" | "chatbot" => Channel::AiAssistant,
        _ if medium.ends_with("push")
            || medium.contains("mobile")
            || medium.contains("notification") =>
        {
            Channel::PushNotifications
        }
        _ if medium.contains("video") => Channel::OrganicVideo,
        _ => return None,
    })
}

fn by_source(signs: &Signs<'_>) -> Channel {
    match signs.kind {
        "search" => Channel::OrganicSearch,
        "social" => Channel::OrganicSocial,
        "video" => Channel::OrganicVideo,
        "shopping" => Channel::OrganicShopping,
        "email" => Channel::Email,
        "ai" => Channel::AiAssistant,
        "forum" => Channel::Forum,
        "audio" => Channel::Audio,
        "push" => Channel::PushNotifications,
        "sms" => Channel::Sms,
        _ if is_shopping_campaign(signs.campaign) => Channel::OrganicShopping,
        _ if matches!(signs.medium, "referral" | "app" | "link") => Channel::Referral,
        _ if signs.is_tagged || !signs.medium.is_empty() || !signs.campaign.is_empty() => {
            Channel::Campaign
        }
        _ if signs.has_referrer => Channel::Referral,
        _ => Channel::Direct,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: &str, medium: &str, campaign: &str, expected: Channel) {
        let signs = Signs {
            kind,
            medium,
            campaign,
            is_paid_click: false,
            has_referrer: false,
            is_tagged: !kind.is_empty(),
        };
        assert_eq!(decide(&signs), expected, "{kind} {medium} {campaign}");
    }

    #[test]
    fn media_and_kinds_make_channels() {
        check("", "", "", Channel::Direct);
        check("search", "", "", Channel::OrganicSearch);
        check("search", "organic", "", Channel::OrganicSearch);
        check("search", "cpc", "", Channel::PaidSearch);
        check("search", "ppc", "", Channel::PaidSearch);
        check("social", "paid-social", "", Channel::PaidSocial);
        check("social", "cpm", "", Channel::PaidSocial);
        check("video", "cpv", "", Channel::PaidVideo);
        check("video", "cpc", "", Channel::PaidVideo);
        check("shopping", "cpc", "", Channel::PaidShopping);
        check("search", "cpc", "summer-shopping", Channel::PaidShopping);
        check("", "cpm", "", Channel::Display);
        check("", "banner", "", Channel::Display);
        check("", "cpc", "", Channel::Campaign);
        check("", "email", "", Channel::Email);
        check("", "affiliate", "", Channel::Affiliates);
        check("", "web-push", "", Channel::PushNotifications);
        check("", "referral", "", Channel::Referral);
        check("", "qr", "", Channel::Campaign);
        check("", "", "spring", Channel::Campaign);
        check("", "", "e-shop sale", Channel::OrganicShopping);
        check("", "", "workshop", Channel::Campaign);
        check("ai", "referral", "", Channel::AiAssistant);
        check("forum", "", "", Channel::Forum);
    }
}
