"""A measure on a merchant or a platform: by a platform, or a penalty by an authority."""
