"""Who somebody is: passwords with a second factor, passkeys, an identity provider; one desk for all of them."""
