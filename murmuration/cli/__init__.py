"""The command line `mur`. It speaks HTTP to the app and imports only `murmuration.client` of ours."""
