# Beadhub from these sources. deps.json holds the packages that it is built from, with their hashes: deps.sh writes it.
{ lib, buildDotnetModule, dotnetCorePackages, installShellFiles, src ? lib.cleanSource ../.. }:

buildDotnetModule {
  pname = "beadhub";
  version = builtins.head (builtins.match ".*<Version>([^<]+)</Version>.*" (builtins.readFile ../../Directory.Build.props));
  inherit src;

  projectFile = "src/Silo/Silo.csproj";
  nugetDeps = ./deps.json;
  dotnet-sdk = dotnetCorePackages.sdk_10_0;
  dotnet-runtime = dotnetCorePackages.aspnetcore_10_0;
  # The analyzers are for those who change it.
  dotnetFlags = [ "-p:RunAnalyzers=false" "-p:PackAsTool=false" ];
  executables = [ "beadhub" ];

  nativeBuildInputs = [ installShellFiles ];
  postFixup = ''
    for shell in bash zsh fish; do
      $out/bin/beadhub completion $shell > beadhub.$shell
    done
    installShellCompletion --cmd beadhub --bash beadhub.bash --zsh beadhub.zsh --fish beadhub.fish
  '';

  meta = {
    description = "Coordination server for teams of AI coding agents, and its client";
    license = lib.licenses.mit;
    mainProgram = "beadhub";
    platforms = lib.platforms.unix;
  };
}
