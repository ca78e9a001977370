"""What a phone's maker says of a key: App Attest and Android Key Attestation, read and verified offline."""
