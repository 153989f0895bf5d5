{
  description = "Beadhub: the coordination server for teams of AI coding agents, and its client";

  inputs.nixpkgs.url = "github:NixOS/nixpkgs/nixpkgs-unstable";

  outputs = { self, nixpkgs }:
    let
      systems = [ "x86_64-linux" "aarch64-linux" "aarch64-darwin" ];
      each = make: nixpkgs.lib.genAttrs systems (system: make nixpkgs.legacyPackages.${system});
    in
    {
      overlays.default = import ./overlay.nix;

      packages = each (pkgs: rec {
        beadhub = pkgs.callPackage ./package.nix { };
        default = beadhub;
      });

      homeManagerModules = rec {
        beadhub = import ./home-manager.nix;
        default = beadhub;
      };
    };
}
